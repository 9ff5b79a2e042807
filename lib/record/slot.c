/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>
#include <weir/record/slot.h>

/* What a value is hashed as: a word that says what it is, and then its own. */
enum {
	IS_NULL,
	IS_INTEGER,
	IS_FLOAT,
	IS_IPV4,
	IS_IPV6,
	IS_STRING, /* its length is above; its bytes are filled up to words with zeros */
};

static uint64_t
word_at(const uint8_t *p)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < 8; i++)
		x |= (uint64_t)p[i] << 8 * i;
	return x;
}

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
rounds(struct weir_slot_hash *h, unsigned n)
{
	uint64_t a = h->v[0], b = h->v[1], c = h->v[2], d = h->v[3];

	while (n--) {
		a += b;
		c += d;
		b = rotate(b, 13) ^ a;
		d = rotate(d, 16) ^ c;
		a = rotate(a, 32);
		c += b;
		a += d;
		b = rotate(b, 17) ^ c;
		d = rotate(d, 21) ^ a;
		c = rotate(c, 32);
	}
	h->v[0] = a;
	h->v[1] = b;
	h->v[2] = c;
	h->v[3] = d;
}

static void
add_word(struct weir_slot_hash *h, uint64_t x)
{
	h->v[3] ^= x;
	rounds(h, 2);
	h->v[0] ^= x;
	h->n++;
}

void
weir_slot_begin(struct weir_slot_hash *h, const struct weir_slot_key *key)
{
	uint64_t k0 = word_at(key->bytes), k1 = word_at(key->bytes + 8);

	h->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
	h->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d);
	h->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
	h->v[3] = k1 ^ UINT64_C(0x7465646279746573);
	h->n = 0;
}

/* With up to 7 last bytes, and the length in all in the highest one. */
static uint64_t
end_hash(struct weir_slot_hash *h, uint64_t last)
{
	add_word(h, last);
	h->v[2] ^= 0xff;
	rounds(h, 4);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

/* The whole words of some bytes; returns what is left as a word, zeros above. */
static uint64_t
add_bytes(struct weir_slot_hash *h, const uint8_t *p, size_t len)
{
	uint8_t rest[8] = { 0 };

	for (; len >= 8; len -= 8, p += 8)
		add_word(h, word_at(p));
	if (len)
		memcpy(rest, p, len);
	return word_at(rest);
}

uint64_t
weir_siphash(const struct weir_slot_key *key, const void *p, size_t len)
{
	struct weir_slot_hash h;
	uint64_t last;

	weir_slot_begin(&h, key);
	last = add_bytes(&h, p, len);
	return end_hash(&h, last | (uint64_t)len << 56);
}

void
weir_slot_add(struct weir_slot_hash *h, const struct weir_value *v)
{
	if (v->is_null) {
		add_word(h, IS_NULL);
		return;
	}
	switch (v->type) {
	case WEIR_FLOAT:
		add_word(h, IS_FLOAT);
		add_word(h, weir_float_bits(v->f));
		break;
	case WEIR_IP:
		add_word(h, v->version == 4 ? IS_IPV4 : IS_IPV6);
		if (v->version != 4)
			add_word(h, v->addr.hi);
		add_word(h, v->addr.lo);
		break;
	case WEIR_STRING: {
		uint64_t rest;

		add_word(h, IS_STRING | (uint64_t)v->s.len << 8);
		rest = add_bytes(h, v->s.p, v->s.len);
		if (v->s.len % 8)
			add_word(h, rest);
		break;
	}
	default:
		add_word(h, IS_INTEGER);
		add_word(h, v->type == WEIR_BOOL ? v->b : (uint64_t)v->i);
	}
}

uint16_t
weir_slot_end(struct weir_slot_hash *h)
{
	return end_hash(h, h->n * 8 << 56) % WEIR_SLOTS;
}

uint16_t
weir_slot_of_name(const struct weir_slot_key *key, const char *name)
{
	const struct weir_value v = {
		.type = WEIR_STRING,
		.s = { (const uint8_t *)name, (uint32_t)strlen(name) },
	};
	struct weir_slot_hash h;

	weir_slot_begin(&h, key);
	weir_slot_add(&h, &v);
	return weir_slot_end(&h);
}

void
weir_block_slots(const struct weir_block *b, const unsigned *columns, unsigned n_columns,
    const struct weir_slot_key *key, uint16_t *ret)
{
	for (uint32_t r = 0; r < b->n_rows; r++) {
		struct weir_slot_hash h;

		weir_slot_begin(&h, key);
		for (unsigned i = 0; i < n_columns; i++) {
			struct weir_value v = weir_column_get(&b->columns[columns[i]], r);

			weir_slot_add(&h, &v);
		}
		ret[r] = weir_slot_end(&h);
	}
}
