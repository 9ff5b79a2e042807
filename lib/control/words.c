/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/control/control.h>

struct splitter {
	const char *in;
	char *out;
	struct weir_error *err;
};

/* Copy what is quoted, without the quotes. In double quotes a backslash frees what follows. */
static int
copy_quoted(struct splitter *s)
{
	char quote = *s->in++;

	for (; *s->in && *s->in != quote; s->in++) {
		if (quote == '"' && s->in[0] == '\\' && s->in[1] && strchr("\"\\$`", s->in[1]))
			s->in++;
		*s->out++ = *s->in;
	}
	if (*s->in != quote)
		return weir_error_usage(s->err, "a %c is not closed", quote);
	s->in++;
	return 0;
}

static int
copy_word(struct splitter *s)
{
	while (*s->in && !isspace((unsigned char)*s->in)) {
		if (*s->in == '\'' || *s->in == '"') {
			int rc = copy_quoted(s);

			if (rc)
				return rc;
			continue;
		}
		if (s->in[0] == '\\' && s->in[1])
			s->in++;
		*s->out++ = *s->in++;
	}
	*s->out++ = '\0';
	return 0;
}

int
weir_control_words(const char *text, char ***ret_words, unsigned *ret_n, struct weir_error *err)
{
	/* no more words than every other character begins one */
	size_t len = strlen(text), most = len / 2 + 2;
	char **words = calloc(1, most * sizeof(*words) + len + 1);
	struct splitter s = { text, (char *)(words + most), err };
	unsigned n = 0;

	if (!words)
		abort();
	for (;;) {
		while (isspace((unsigned char)*s.in))
			s.in++;
		if (!*s.in)
			break;
		words[n] = s.out;
		if (copy_word(&s)) {
			free(words);
			return -EINVAL;
		}
		n++;
	}
	*ret_words = words;
	*ret_n = n;
	return 0;
}
