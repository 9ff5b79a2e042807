/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/port/eal.h>
#include <weir/wire/seal.h>

/*
 * Frames from the network, at a node with a secret and at one without. Bits of the first byte put
 * parts of the header right, so that what is behind them is reached; the rest is the frame. It
 * stands in an allocation of its own, so that an access past it is seen. Each frame meets new
 * epochs, and so new keys: libFuzzer watches memcmp in the driver, learns the tag that would have
 * been right, and would forge the next frame.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SENDER 77

static struct weir_seal *
node(const struct weir_secret *secret)
{
	struct weir_seal_spec spec = {
		.secret = secret, .job = "fuzz", .incarnation = 1, .max_peers = 2
	};
	struct weir_error err = { 0 };
	struct weir_seal *s;

	if (weir_seal_open(&spec, &s, &err) || weir_seal_peer_add(s, SENDER, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return s;
}

static void
put_right(uint8_t what, uint64_t epoch, uint8_t *p, size_t n)
{
	struct weir_frame_head head;

	if (n < sizeof(head))
		return;
	memcpy(&head, p, sizeof(head));
	if (what & 1) {
		head.magic = rte_cpu_to_be_16(WEIR_FRAME_MAGIC);
		head.version = WEIR_FRAME_VERSION;
	}
	if (what & 2)
		head.flags |= rte_cpu_to_be_16(WEIR_FRAME_SEALED);
	if (what & 4)
		head.incarnation = rte_cpu_to_be_64(SENDER);
	if (what & 8)
		head.epoch = rte_cpu_to_be_64(what & 16 ? epoch : epoch - 2);
	if (what & 32)
		head.number &= rte_cpu_to_be_64((UINT64_C(1) << 48) - 1);
	memcpy(p, &head, sizeof(head));
}

static void
judge(struct weir_seal *s, uint64_t epoch, uint8_t what, const uint8_t *data, size_t n)
{
	uint8_t *bytes = malloc(n ? n : 1);
	struct rte_mbuf m = { .buf_addr = bytes,
		.buf_len = (uint16_t)n,
		.data_len = (uint16_t)n,
		.pkt_len = (uint32_t)n,
		.nb_segs = 1,
		.refcnt = 1 };
	struct rte_mbuf *frame = &m;
	enum weir_seal_verdict verdict = WEIR_N_SEAL_VERDICTS;
	struct weir_frame_head before;
	unsigned n_ok;

	if (!bytes)
		abort();
	memcpy(bytes, data, n);
	put_right(what, epoch, bytes, n);
	memcpy(&before, bytes, n < sizeof(before) ? n : sizeof(before));
	weir_seal_epochs(s, epoch, epoch - 2);
	n_ok = weir_seal_accept(s, &frame, 1, &verdict);
	/* nobody guesses a tag, a device does not fail, and headers stay as they came */
	if (verdict >= WEIR_N_SEAL_VERDICTS || verdict == WEIR_SEAL_FAILED ||
	    n_ok != (verdict == WEIR_SEAL_OK) || (n_ok && weir_seal_tail_bytes(s)))
		abort();
	if (m.data_len != n || memcmp(&before, bytes, n < sizeof(before) ? n : sizeof(before)) != 0)
		abort();
	if (n < WEIR_FRAME_HEAD_BYTES && verdict != WEIR_SEAL_MALFORMED)
		abort();
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_seal *sealing, *clear;
	static uint64_t epoch = 42;

	if (!sealing) {
		char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "64" } };
		struct weir_secret *secret;

		if (weir_eal_start("fuzz-seal", args, 3, NULL) ||
		    weir_secret_make("0123456789abcdef", 16, &secret, NULL))
			abort();
		sealing = node(secret);
		clear = node(NULL);
		weir_secret_free(secret);
	}
	if (size < 1 || size > 9000)
		return 0;
	epoch += 4;
	judge(sealing, epoch, data[0], data + 1, size - 1);
	judge(clear, epoch, data[0], data + 1, size - 1);
	return 0;
}
