/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/base/value.h>

#include "options.h"

#define MS (WEIR_NS_PER_S / 1000)

static int
parse_rate(const char *flag, const char *text, struct weir_rate *ret, bool *ret_has,
    struct weir_error *err)
{
	struct weir_rate r;

	/* as fast as it goes, or as recorded, is no rate of probes */
	if (weir_rate_parse(text, &r, NULL) || r.kind == WEIR_RATE_MAX ||
	    r.kind == WEIR_RATE_RECORDED || !r.micro)
		return weir_error_usage(err,
		    "%s '%s': no rate of probes (try '10k', '1Gbps', '9Gline' or '50%%')", flag,
		    text);
	*ret = r;
	*ret_has = true;
	return 0;
}

static int
parse_percent(const char *flag, const char *text, double most, double *ret, struct weir_error *err)
{
	char number[32];
	size_t len = strlen(text);
	double v;

	snprintf(number, sizeof(number), "%.*s", (int)(len && text[len - 1] == '%' ? len - 1 : len),
	    text);
	if (weir_parse_double(number, &v, NULL) || !(v >= 0) || v > most)
		return weir_error_usage(
		    err, "%s '%s': no share from 0 to %g percent (try '10')", flag, text, most);
	*ret = v / 100;
	return 0;
}

static int
parse_loads(const char *text, struct config *c, struct weir_error *err)
{
	char *copy = strdup(text), *save = NULL;
	int rc = copy ? 0 : weir_error_run(err, -ENOMEM, "out of memory");

	c->n_loads = 0;
	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w && !rc;
	     w = strtok_r(NULL, ",", &save)) {
		if (c->n_loads == CONFIG_LOADS)
			rc = weir_error_usage(
			    err, "--load '%s': more than %d shares", text, CONFIG_LOADS);
		else
			rc = parse_percent("--load", w, 100, &c->loads[c->n_loads++], err);
	}
	free(copy);
	if (!rc && !c->n_loads)
		rc = weir_error_usage(err, "--load '': name shares (try '0,10,50,90')");
	return rc;
}

static int
parse_time(const char *flag, const char *text, int64_t least, int64_t *ret, struct weir_error *err)
{
	char typed[32];
	int64_t ns;

	if (weir_parse_duration(text, &ns, err))
		return weir_error_wrap(err, "%s", flag);
	if (ns < least)
		return weir_error_usage(err, "%s '%s': too short (try '%s')", flag, text,
		    weir_text_duration(least ? least : MS, typed, sizeof(typed)));
	*ret = ns;
	return 0;
}

static int
parse_size(const char *text, struct frame_config *f, struct weir_error *err)
{
	uint64_t size;

	if (strcmp(text, "imix") == 0) {
		f->size = FRAME_IMIX;
		return 0;
	}
	if (weir_parse_u64(text, &size, NULL) || size < 60 || size > FRAME_MOST)
		return weir_error_usage(err,
		    "--size '%s': neither a frame of %u to %u bytes nor 'imix' (try '%u')", text,
		    FRAME_LEAST, FRAME_MOST, FRAME_LEAST);
	/* the least frame of Ethernet, with or without its check sequence, has no room for it */
	if (size < FRAME_LEAST) {
		weir_log(WEIR_LOG_NOTICE,
		    "--size '%s': headers and signature take %u bytes, which is what is sent", text,
		    FRAME_LEAST);
		size = FRAME_LEAST;
	}
	f->size = (uint32_t)size;
	return 0;
}

static int
parse_mac(const char *flag, const char *text, uint8_t *ret, struct weir_error *err)
{
	unsigned b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		&end) != 6 ||
	    text[end])
		return weir_error_usage(
		    err, "%s '%s': no MAC address (try '02:00:00:00:00:01')", flag, text);
	for (unsigned i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return 0;
}

static int
parse_ip(const char *flag, const char *text, uint32_t *ret, struct weir_error *err)
{
	struct weir_addr a;
	unsigned version;

	if (weir_ip_parse(text, &a, &version) || version != 4)
		return weir_error_usage(
		    err, "%s '%s': no IPv4 address (try '192.0.2.1')", flag, text);
	*ret = (uint32_t)a.lo;
	return 0;
}

static int
parse_count(
    const char *flag, const char *text, uint64_t most, uint64_t *ret, struct weir_error *err)
{
	if (weir_parse_size(text, ret, NULL) || !*ret || *ret > most)
		return weir_error_usage(
		    err, "%s '%s': no number from 1 to %llu", flag, text, (unsigned long long)most);
	return 0;
}

static int
read_flows(const char *text, struct config *c, struct weir_error *err)
{
	uint64_t n = 0;
	int rc = parse_count("--flows", text, 16384, &n, err);

	c->frame.n_flows = (uint32_t)n;
	return rc;
}

/* Words that stand as they are; where not, the member that takes this option's. */
static const char **
text_of(struct config *c, enum flag flag)
{
	switch (flag) {
	case FLAG_TX:
		return &c->tx;
	case FLAG_RX:
		return &c->rx;
	case FLAG_ROWS:
		return &c->rows;
	case FLAG_ROWS_FIELD:
		return &c->rows_field;
	case FLAG_FLOOR_TX:
		return &c->floor_tx;
	case FLAG_FLOOR_RX:
		return &c->floor_rx;
	case FLAG_JSON:
		return &c->json;
	case FLAG_HDR:
		return &c->hdr;
	case FLAG_PLOT:
		return &c->plot;
	default:
		return NULL;
	}
}

static int
read_option(const struct weir_option_value *v, struct config *c, struct weir_error *err)
{
	const char *flag = v->option->name, *text = v->value;
	const char **word = text_of(c, (enum flag)v->option->id);

	if (word) {
		if (!text[0])
			return weir_error_usage(err, "%s '': name one", flag);
		*word = text;
		return 0;
	}
	switch ((enum flag)v->option->id) {
	case FLAG_ROWS_EVERY:
		return parse_count(flag, text, 1000000, &c->frame.row_every, err);
	case FLAG_NO_FLOOR:
		c->is_floor_wanted = false;
		return 0;
	case FLAG_RATE:
		return parse_rate(flag, text, &c->rate, &c->has_rate, err);
	case FLAG_LOAD:
		return parse_loads(text, c, err);
	case FLAG_NDR:
		c->is_ndr = true;
		return 0;
	case FLAG_MAX_RATE:
		return parse_rate(flag, text, &c->max_rate, &c->has_max, err);
	case FLAG_LOSS_GOAL:
		return parse_percent(flag, text, 50, &c->loss_goal, err);
	case FLAG_TRIAL:
		return parse_time(flag, text, 10 * MS, &c->trial_ns, err);
	case FLAG_SIZE:
		return parse_size(text, &c->frame, err);
	case FLAG_FLOWS:
		return read_flows(text, c, err);
	case FLAG_ETH_SRC:
		return parse_mac(flag, text, c->frame.eth_src, err);
	case FLAG_ETH_DST:
		return parse_mac(flag, text, c->frame.eth_dst, err);
	case FLAG_IP_SRC:
		return parse_ip(flag, text, &c->frame.ip_src, err);
	case FLAG_IP_DST:
		return parse_ip(flag, text, &c->frame.ip_dst, err);
	case FLAG_FOR:
		return parse_time(flag, text, 10 * MS, &c->for_ns, err);
	case FLAG_WARMUP:
		return parse_time(flag, text, 0, &c->warmup_ns, err);
	case FLAG_DRAIN:
		return parse_time(flag, text, MS, &c->drain_ns, err);
	case FLAG_WAIT:
		return parse_time(flag, text, MS, &c->wait_ns, err);
	default: /* FLAG_THREADS */
		c->n_threads = (unsigned)(text[0] - '0');
		return 0;
	}
}

static bool
has_share(const struct config *c)
{
	for (unsigned i = 0; i < c->n_loads; i++)
		if (c->loads[i] > 0)
			return true;
	return false;
}

/* Standard output is one's alone, and of several percentile files none's. */
static int
check_outputs(const struct config *c, struct weir_error *err)
{
	const char *const paths[] = { c->json, c->hdr, c->plot };
	static const char *const flags[] = { "--json", "--hdr", "--plot" };
	const char *taken = NULL;

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!paths[i] || strcmp(paths[i], "-") != 0)
			continue;
		if (taken)
			return weir_error_usage(
			    err, "%s '-': %s has standard output already", flags[i], taken);
		taken = flags[i];
	}
	if (c->hdr && strcmp(c->hdr, "-") == 0 && c->n_loads > 1)
		return weir_error_usage(
		    err, "--hdr '-': several measurements are several files: name one");
	return 0;
}

/* What does not go together, or lacks its other half. */
static int
check(const struct config *c, bool has_rows_options, struct weir_error *err)
{
	if (!c->tx)
		return weir_error_usage(
		    err, "no port to send out of (try --tx eth0, or --tx vdev:net_ring0)");
	if (c->rx && c->rows)
		return weir_error_usage(
		    err, "--rows '%s': probes come back by --rx, or as rows: not both", c->rows);
	if (!c->rows && has_rows_options)
		return weir_error_usage(
		    err, "--rows-field and --rows-every are for rows (try --rows -)");
	if (c->floor_rx && !c->floor_tx)
		return weir_error_usage(
		    err, "--floor-rx '%s': needs --floor-tx, the other end", c->floor_rx);
	if (c->floor_tx && !c->is_floor_wanted)
		return weir_error_usage(
		    err, "--floor-tx '%s': but --no-floor says not to measure it", c->floor_tx);
	if (c->has_rate && c->n_loads)
		return weir_error_usage(
		    err, "--load: are shares of the no-drop rate: not with --rate");
	if (has_share(c) && !c->is_ndr && !c->has_max)
		return weir_error_usage(err,
		    "--load: shares of what? (try --ndr, or the no-drop rate by --max-rate 1M)");
	if (c->loss_goal > 0 && !c->is_ndr)
		return weir_error_usage(err, "--loss-goal: is for --ndr");
	if (c->rows && c->is_ndr)
		return weir_error_usage(err,
		    "--ndr: rows have no no-drop rate: find that of packets, and give it by "
		    "--max-rate");
	if ((c->hdr || c->plot) && !c->has_rate && !c->n_loads && c->is_ndr)
		return weir_error_usage(err,
		    "%s: --ndr alone measures no latency (try --load 0,50)",
		    c->hdr ? "--hdr" : "--plot");
	return check_outputs(c, err);
}

static const struct config defaults = {
	.rows_field = "ip.dst",
	.is_floor_wanted = true,
	.trial_ns = WEIR_NS_PER_S,
	.for_ns = 10 * WEIR_NS_PER_S,
	.warmup_ns = 200 * MS,
	.drain_ns = 200 * MS,
	.wait_ns = 10 * WEIR_NS_PER_S,
	.frame = {
		.size = FRAME_LEAST,
		.n_flows = 1,
		.eth_src = { 2, 0, 0, 0, 0, 1 },
		.eth_dst = { 2, 0, 0, 0, 0, 2 },
		.ip_src = UINT32_C(0xc0000201),
		.ip_dst = UINT32_C(0xc0000202),
	},
};

int
config_read(const struct weir_command_line *line, struct config *ret, bool *ret_is_done,
    struct weir_error *err)
{
	bool has_rows_options = false;
	struct config c = defaults;
	int rc = 0;

	*ret_is_done = false;
	for (unsigned i = 0; i < line->n_values && !rc; i++) {
		const struct weir_option_value *v = &line->values[i];

		if (weir_options_print_page(&config_help, v->option, stdout)) {
			*ret_is_done = true;
			return 0;
		}
		has_rows_options |=
		    v->option->id == FLAG_ROWS_FIELD || v->option->id == FLAG_ROWS_EVERY;
		rc = read_option(v, &c, err);
	}
	rc = rc ? rc : check(&c, has_rows_options, err);
	if (rc)
		return rc;
	if (!c.rx)
		c.rx = c.tx;
	if (c.rows && !c.frame.row_every)
		c.frame.row_every = 1;
	if (!c.rows)
		c.frame.row_every = 0;
	if (!c.n_loads && !c.has_rate && !c.is_ndr)
		c.n_loads = 1; /* share 0 */
	c.eal_args = line->rest;
	c.n_eal_args = line->n_rest;
	*ret = c;
	return 0;
}
