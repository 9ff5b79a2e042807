/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

void
flows_add(struct flows *f, const struct flow *packet)
{
	if (f->n == f->room) {
		f->room = f->room ? f->room * 2 : 1024;
		f->flow = realloc(f->flow, f->room * sizeof(*f->flow));
		if (!f->flow)
			abort();
	}
	f->flow[f->n++] = *packet;
}

static int
order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare(const void *pa, const void *pb)
{
	const struct flow *a = pa, *b = pb;
	int c;

	if ((c = order(a->version, b->version)) || (c = order(a->src.hi, b->src.hi)) ||
	    (c = order(a->src.lo, b->src.lo)) || (c = order(a->dst.hi, b->dst.hi)) ||
	    (c = order(a->dst.lo, b->dst.lo)) || (c = order(a->proto, b->proto)) ||
	    (c = order(a->srcport, b->srcport)))
		return c;
	return order(a->dstport, b->dstport);
}

void
flows_merge(struct flows *f)
{
	size_t n = 0;

	if (f->n == 0)
		return;
	qsort(f->flow, f->n, sizeof(*f->flow), compare);
	for (size_t i = 1; i < f->n; i++) {
		if (compare(&f->flow[n], &f->flow[i]) == 0) {
			f->flow[n].packets += f->flow[i].packets;
			f->flow[n].wire_bytes += f->flow[i].wire_bytes;
			f->flow[n].ip_bytes += f->flow[i].ip_bytes;
		} else {
			f->flow[++n] = f->flow[i];
		}
	}
	f->n = n + 1;
}

void
flows_sha256(const struct flows *f, char hex[65])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[32];

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < f->n; i++) {
		const struct flow *p = &f->flow[i];
		char src[46], dst[46], line[256];
		int len;

		weir_ip_text(&p->src, p->version, src, sizeof(src));
		weir_ip_text(&p->dst, p->version, dst, sizeof(dst));
		len = snprintf(line, sizeof(line),
		    "%u\t%s\t%s\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", p->version,
		    src, dst, p->proto, p->srcport, p->dstport, p->packets, p->wire_bytes,
		    p->ip_bytes);
		EVP_DigestUpdate(ctx, line, (size_t)len);
	}
	EVP_DigestFinal_ex(ctx, digest, NULL);
	for (unsigned i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	EVP_MD_CTX_free(ctx);
}

void
flows_free(struct flows *f)
{
	free(f->flow);
}
