/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <rte_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "pages.h"
#include "queue.h"

/*
 * The commands as telemetry has them. /weir/NAME answers in telemetry's own form; /weir/text,NAME
 * ARGUMENT answers with the exact JSON as a text, in pages of which /weir/more,ID,OFFSET has the
 * next; /weir/part,KEY,TEXT collects a long request that /weir/text,@KEY then asks.
 */
#define COMMAND_PREFIX "/weir/"

static int
find_command(const char *name, size_t len)
{
	for (unsigned i = 0; i < WEIR_N_CONTROL_COMMANDS; i++) {
		const char *c = weir_control_command_name((enum weir_control_command)i);

		if (strlen(c) == len && memcmp(c, name, len) == 0)
			return (int)i;
	}
	return -1;
}

/* Telemetry's own form: the result, or {"error": ...}. */
static int
answer_data(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *name = cmd + strlen(COMMAND_PREFIX);
	int command = find_command(name, strlen(name));
	json_t *answer, *result;

	if (command < 0)
		return -ENOENT;
	answer = weir_queue_ask((enum weir_control_command)command, params ? params : "");
	result = json_object_get(answer, "result");
	weir_control_convert(result ? result : answer, d);
	json_decref(answer);
	return 0;
}

static json_t *
ask_text(const char *request)
{
	size_t len = strcspn(request, " ");
	const char *argument = request + len + (request[len] == ' ');
	int command = find_command(request, len);

	if (command < 0)
		return json_pack("{s:s, s:i}", "error", "this version of weir cannot do that",
		    "fail", (int)WEIR_FAIL_RUN);
	return weir_queue_ask((enum weir_control_command)command, argument);
}

static char *
dump(json_t *answer)
{
	size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17);
	char *text = json_dumps(answer, flags);

	json_decref(answer);
	if (text && strlen(text) <= WEIR_ANSWER_BYTES)
		return text;
	free(text);
	return strdup("{\"error\":\"the answer is too long: ask for fewer rows\",\"fail\":1}");
}

static int
answer_text(const char *cmd, const char *params, struct rte_tel_data *d)
{
	char page[RTE_TEL_MAX_SINGLE_STRING_LEN];
	const char *request = params ? params : "";
	char *pieces = request[0] == '@' ? weir_pieces_take(request + 1) : NULL;
	char *text = dump(ask_text(pieces ? pieces : request));

	free(pieces);
	if (!text)
		return -ENOMEM;
	weir_pages_put(text, page, sizeof(page));
	rte_tel_data_string(d, page);
	return 0;
}

static int
answer_more(const char *cmd, const char *params, struct rte_tel_data *d)
{
	char page[RTE_TEL_MAX_SINGLE_STRING_LEN];
	uint32_t id;
	size_t offset;

	if (!params || sscanf(params, "%" SCNu32 ",%zu", &id, &offset) != 2)
		return -EINVAL;
	if (weir_pages_get(id, offset, page, sizeof(page)))
		return -ENOENT;
	rte_tel_data_string(d, page);
	return 0;
}

static int
take_part(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const char *comma = params ? strchr(params, ',') : NULL;
	char key[32];
	int rc;

	if (!comma || comma - params >= (int)sizeof(key))
		return -EINVAL;
	snprintf(key, sizeof(key), "%.*s", (int)(comma - params), params);
	rc = weir_pieces_add(key, comma + 1);
	if (rc)
		return rc;
	rte_tel_data_string(d, "ok");
	return 0;
}

int
weir_telemetry_register(void)
{
	static const struct {
		const char *command;
		telemetry_cb fn;
		const char *help;
	} rows[] = {
#define X(id, name, arg, help) { COMMAND_PREFIX name, answer_data, help },
		WEIR_CONTROL_COMMANDS(X)
#undef X
		    { COMMAND_PREFIX "text", answer_text,
			"the exact JSON of 'NAME ARGUMENT' as text: ID TOTAL TEXT" },
		{ COMMAND_PREFIX "more", answer_more, "the next page of a text: ID,OFFSET" },
		{ COMMAND_PREFIX "part", take_part,
		    "a piece of a long request, asked with text,@KEY: KEY,TEXT" },
	};
	static bool is_done; /* they stay for good */

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && !is_done; i++) {
		int rc = rte_telemetry_register_cmd(rows[i].command, rows[i].fn, rows[i].help);

		if (rc)
			return rc;
	}
	is_done = true;
	return 0;
}
