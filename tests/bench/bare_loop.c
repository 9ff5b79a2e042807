/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program that does nothing else needs to count packets and bytes by five-tuple: the
 * yardstick of scripts/bench. The capture (pcap, Ethernet, this host's byte order) is mapped;
 * packets are read where they lie, 64 at a time: parse and hash all, prefetch, then count. Open
 * addressing with the entry in one cache line (IPv4: half of one), linear probing, tables large
 * enough from the start. It checks lengths and knows IP options, but no VLAN tags, extension
 * headers, fragments, windows, queries, growth or limits.
 *
 * usage: bare_loop FILE FLOWS PASSES
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BURST  64
#define WORDS4 2
#define WORDS6 5

struct record {
	uint32_t seconds, fraction, cap_len, wire_len;
};

struct entry4 {
	uint64_t key[WORDS4];
	uint64_t packets, bytes;
};

struct entry6 {
	uint64_t key[WORDS6];
	uint64_t packets, bytes, unused;
};

struct table {
	struct entry4 *v4;
	struct entry6 *v6;
	uint64_t mask, flows, packets, bytes, others;
};

struct key {
	uint64_t word[WORDS6];
	uint64_t slot;
	uint32_t wire_len;
	uint8_t version;
};

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t
ports(const uint8_t *p, const uint8_t *end, uint8_t proto)
{
	uint32_t x = 0;

	if ((proto == 6 || proto == 17) && p + 4 <= end)
		memcpy(&x, p, sizeof(x));
	return (uint64_t)x | (uint64_t)proto << 32 | UINT64_C(1) << 63; /* no key is all zero */
}

/* The five-tuple of a frame; version 0 where it has none. */
static inline void
parse(const uint8_t *p, const struct record *r, struct key *k)
{
	const uint8_t *end = p + r->cap_len;
	uint16_t type;

	k->version = 0;
	k->wire_len = r->wire_len;
	if (r->cap_len < 34)
		return;
	memcpy(&type, p + 12, sizeof(type));
	if (type == 0x0008 && p[14] >> 4 == 4) {
		memcpy(&k->word[0], p + 26, 8);
		k->word[1] = ports(p + 14 + (p[14] & 15u) * 4u, end, p[23]);
		k->version = 4;
	} else if (type == 0xdd86 && r->cap_len >= 54) {
		memcpy(&k->word[0], p + 22, 32);
		k->word[4] = ports(p + 54, end, p[20]);
		k->version = 6;
	}
}

static inline void
count4(struct table *t, const struct key *k)
{
	for (uint64_t i = k->slot;; i = (i + 1) & t->mask) {
		struct entry4 *e = &t->v4[i];

		if (e->key[0] == k->word[0] && e->key[1] == k->word[1]) {
			e->packets++;
			e->bytes += k->wire_len;
			return;
		}
		if (!e->key[1]) {
			memcpy(e->key, k->word, sizeof(e->key));
			e->packets = 1;
			e->bytes = k->wire_len;
			t->flows++;
			return;
		}
	}
}

static inline void
count6(struct table *t, const struct key *k)
{
	for (uint64_t i = k->slot;; i = (i + 1) & t->mask) {
		struct entry6 *e = &t->v6[i];

		if (!memcmp(e->key, k->word, sizeof(e->key))) {
			e->packets++;
			e->bytes += k->wire_len;
			return;
		}
		if (!e->key[4]) {
			memcpy(e->key, k->word, sizeof(e->key));
			e->packets = 1;
			e->bytes = k->wire_len;
			t->flows++;
			return;
		}
	}
}

static inline void
hash(const struct table *t, struct key *k)
{
	uint64_t h = fold(k->word[0] ^ 0x8bb84b93962eacc9, k->word[1] ^ 0x2d358dccaa6c78a5);

	if (k->version == 6) {
		h += fold(k->word[2] ^ 0x4b33a62ed433d4a3, k->word[3] ^ 0x4d5a2da51de1aa47);
		h = fold(h ^ k->word[4], 0xa0761d6478bd642f);
		k->slot = h & t->mask;
		__builtin_prefetch(&t->v6[k->slot], 1);
	} else {
		k->slot = (h >> 20) & t->mask;
		__builtin_prefetch(&t->v4[k->slot], 1);
	}
}

static void
walk(struct table *t, const uint8_t *p, const uint8_t *end)
{
	struct key keys[BURST];

	while (p < end) {
		unsigned n = 0;

		for (; n < BURST && p + sizeof(struct record) <= end; n++) {
			struct record r;

			memcpy(&r, p, sizeof(r));
			p += sizeof(r);
			if (r.cap_len > (uint64_t)(end - p)) {
				p = end;
				break;
			}
			parse(p, &r, &keys[n]);
			if (keys[n].version)
				hash(t, &keys[n]);
			p += r.cap_len;
		}
		if (!n)
			return;
		for (unsigned i = 0; i < n; i++) {
			t->bytes += keys[i].wire_len;
			if (keys[i].version == 4)
				count4(t, &keys[i]);
			else if (keys[i].version == 6)
				count6(t, &keys[i]);
			else
				t->others++;
		}
		t->packets += n;
	}
}

static void *
zeros(size_t size)
{
	void *p = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const uint8_t *
map_file(const char *path, size_t *ret_size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *p = MAP_FAILED;
	uint32_t magic;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= 24)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return NULL;
	memcpy(&magic, p, sizeof(magic));
	if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d)
		return NULL;
	*ret_size = (size_t)st.st_size;
	return p;
}

int
main(int argc, char **argv)
{
	struct table t = { 0 };
	uint64_t slots = 1024;
	int64_t wall, cpu;
	const uint8_t *p;
	size_t size = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: bare_loop FILE FLOWS PASSES\n");
		return 2;
	}
	p = map_file(argv[1], &size);
	if (!p) {
		fprintf(stderr, "bare_loop: '%s': cannot be mapped as a pcap file\n", argv[1]);
		return 1;
	}
	while (slots < 2 * strtoull(argv[2], NULL, 10))
		slots *= 2;
	t.mask = slots - 1;
	t.v4 = zeros(slots * sizeof(*t.v4));
	t.v6 = zeros(slots * sizeof(*t.v6));
	if (!t.v4 || !t.v6) {
		fprintf(stderr, "bare_loop: out of memory\n");
		return 1;
	}
	wall = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned long i = strtoul(argv[3], NULL, 10); i; i--)
		walk(&t, p + 24, p + size);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	printf("{\"packets\":%llu,\"bytes\":%llu,\"flows\":%llu,\"others\":%llu,"
	       "\"cpu_s\":%.9f,\"wall_s\":%.9f}\n",
	    (unsigned long long)t.packets, (unsigned long long)t.bytes, (unsigned long long)t.flows,
	    (unsigned long long)t.others, (double)cpu / 1e9, (double)wall / 1e9);
	return 0;
}
