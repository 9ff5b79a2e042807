/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What parts of a pane take on the wire and on the control thread: packets of one window, by
 * 5-tuple with their number and bytes, go to three owners, of which the host is one. Once as groups
 * lie, once put in order of their keys first. Against shipping the needed columns of each packet.
 *
 * usage: weir --source 'gen:imix?flows=10000&dist=zipf:1.1&count=1000000' --select
 *        ip.src,ip.dst,ip.proto,srcport,dstport,frame.len --sink csv:/dev/stdout |
 *        tail -n +2 | cut -d, -f2- | part_cost [FOLDER]
 *
 * With a folder the parts are written there, a file each.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/aggregate/part.h>
#include <weir/base/time.h>

#define N_COLUMNS  6
#define N_OWNERS   3
#define PART_BYTES 1350

static const struct weir_group_key keys[] = { { WEIR_IP, WEIR_ADDR }, { WEIR_IP, WEIR_ADDR },
	{ WEIR_INT, WEIR_U8 }, { WEIR_INT, WEIR_U16 }, { WEIR_INT, WEIR_U16 } };

static struct weir_column columns[N_COLUMNS];

static void *
must(void *p)
{
	if (!p) {
		fputs("part_cost: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* A line of the input to a row. Returns the bytes of its needed columns, 0 for no such line. */
static unsigned
take_line(char *line, uint32_t row)
{
	char *field[N_COLUMNS];
	unsigned bytes = 7;

	for (unsigned i = 0; i < N_COLUMNS; i++) {
		field[i] = strsep(&line, ",\n");
		if (!field[i] || !*field[i])
			return 0;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct weir_addr *a = (struct weir_addr *)columns[i].data + row;
		unsigned version;

		if (weir_ip_parse(field[i], a, &version))
			return 0;
		columns[i].version[row] = (uint8_t)version;
		bytes += version == 4 ? 4 : 16;
	}
	((uint8_t *)columns[2].data)[row] = (uint8_t)atoi(field[2]);
	((uint16_t *)columns[3].data)[row] = (uint16_t)atoi(field[3]);
	((uint16_t *)columns[4].data)[row] = (uint16_t)atoi(field[4]);
	((uint32_t *)columns[5].data)[row] = (uint32_t)atoi(field[5]);
	return bytes;
}

static uint64_t
feed(struct weir_aggregator *a, uint64_t *ret_packets)
{
	const struct weir_column *key_columns[5], *arg[] = { &columns[5] };
	const struct weir_column *const *args[] = { NULL, arg };
	struct weir_group_counters counters = { 0 };
	int64_t time_ns[WEIR_ROWS] = { 0 };
	uint64_t sel[WEIR_MASK_WORDS], bytes = 0;
	struct weir_group_rows rows = {
		.sel = sel, .keys = key_columns, .args = args, .time_ns = time_ns
	};
	char line[400];
	bool is_more = true;

	for (unsigned i = 0; i < 5; i++)
		key_columns[i] = &columns[i];
	while (is_more) {
		rows.n = 0;
		while (rows.n < WEIR_ROWS && (is_more = fgets(line, sizeof(line), stdin))) {
			unsigned some = take_line(line, rows.n);

			rows.n += some != 0;
			bytes += some;
		}
		weir_mask_first(sel, rows.n);
		weir_aggregator_update(a, &rows, &counters);
	}
	*ret_packets = counters.aggregated;
	return bytes;
}

struct sums {
	uint64_t parts, bytes, groups;
	int64_t write_ns, read_ns;
};

static void
keep_part(const char *folder, uint64_t number, const uint8_t *buf, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%06llu", folder, (unsigned long long)number);
	f = must(fopen(path, "wb"));
	if (fwrite(buf, len, 1, f) != 1 || fclose(f))
		exit(1);
}

/* The groups of one owner: their parts, and what the owner makes of them. */
static void
ship(struct weir_aggregator *a, const struct weir_pane *p, const uint32_t *groups, uint32_t n,
    const char *folder, struct sums *s)
{
	struct weir_pane_writer w = { .pane = p, .groups = groups, .n = n };
	struct weir_pane *dst = must(weir_aggregator_new_pane(a));
	struct weir_error err;
	uint8_t buf[PART_BYTES];

	for (;;) {
		int64_t begin_ns = weir_now_mono_ns(), mid_ns;
		size_t len = weir_pane_write(&w, buf, sizeof(buf));

		mid_ns = weir_now_mono_ns();
		s->write_ns += mid_ns - begin_ns;
		if (!len)
			break;
		if (len > sizeof(buf) || weir_pane_read(dst, buf, len, &err))
			exit(1);
		s->read_ns += weir_now_mono_ns() - mid_ns;
		if (folder)
			keep_part(folder, s->parts, buf, len);
		s->parts++;
		s->bytes += len;
	}
	s->groups += n;
	if (weir_pane_n_groups(dst) != n)
		exit(1);
	weir_pane_destroy(dst);
}

static void
measure(const char *name, struct weir_aggregator *a, const struct weir_pane *p, const char *folder,
    uint64_t packet_bytes)
{
	static const struct weir_slot_key key = { "0123456789abcde" };
	uint32_t n_all = weir_pane_n_groups(p);
	uint16_t *slots = must(calloc(n_all + 1, sizeof(*slots)));
	uint32_t *groups = must(calloc(n_all + 1, sizeof(*groups)));
	struct sums s = { 0 };
	int64_t slots_ns = weir_now_mono_ns();

	weir_pane_slots(p, &key, slots);
	slots_ns = weir_now_mono_ns() - slots_ns;
	for (unsigned o = 1; o < N_OWNERS; o++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < n_all; i++)
			if (slots[i] % N_OWNERS == o)
				groups[n++] = i;
		ship(a, p, groups, n, folder, &s);
	}
	printf("%s: %llu groups in %llu parts, %.2f bytes a group; of all packets' columns 1/%.1f; "
	       "slot %.0f ns, write %.0f ns, read %.0f ns a group\n",
	    name, (unsigned long long)s.groups, (unsigned long long)s.parts,
	    (double)s.bytes / (double)s.groups,
	    (double)packet_bytes * (N_OWNERS - 1) / N_OWNERS / (double)s.bytes,
	    (double)slots_ns / n_all, (double)s.write_ns / (double)s.groups,
	    (double)s.read_ns / (double)s.groups);
	free(slots);
	free(groups);
}

int
main(int argc, char **argv)
{
	const struct weir_agg_call calls[] = {
		{ .function = weir_agg_function_find("count") },
		{ .function = weir_agg_function_find("sum"),
		    .n_args = 1,
		    .arg_types = { WEIR_INT },
		    .arg_stores = { WEIR_U32 } },
	};
	const struct weir_group_spec spec = {
		.n_keys = 5,
		.keys = keys,
		.n_aggs = 2,
		.aggs = calls,
		.table_size = 10000000,
		.is_merged = true,
		.seed = 1,
	};
	struct weir_error err;
	struct weir_aggregator *a = must(weir_aggregator_create(&spec, &err));
	struct weir_pane *p;
	uint64_t packets, bytes;
	int64_t order_ns;

	for (unsigned i = 0; i < 5; i++)
		if (weir_column_init(&columns[i], keys[i].type, keys[i].store, WEIR_ROWS))
			return 1;
	if (weir_column_init(&columns[5], WEIR_INT, WEIR_U32, WEIR_ROWS))
		return 1;
	bytes = feed(a, &packets);
	p = weir_aggregator_close(a, INT64_MAX);
	if (!p || !packets) {
		fputs("part_cost: no packets on standard input\n", stderr);
		return 1;
	}
	printf("%llu packets, %u groups, %.1f bytes a packet\n", (unsigned long long)packets,
	    weir_pane_n_groups(p), (double)bytes / (double)packets);
	measure("as they lie", a, p, NULL, bytes);
	order_ns = weir_now_mono_ns();
	if (weir_pane_order(p))
		return 1;
	order_ns = weir_now_mono_ns() - order_ns;
	measure("in order", a, p, argc > 1 ? argv[1] : NULL, bytes);
	printf(
	    "putting them in order: %.0f ns a group\n", (double)order_ns / weir_pane_n_groups(p));
	weir_pane_destroy(p);
	weir_aggregator_destroy(a);
	for (unsigned i = 0; i < N_COLUMNS; i++)
		weir_column_fini(&columns[i]);
	return 0;
}
