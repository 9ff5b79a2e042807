/* SPDX-License-Identifier: BSD-3-Clause */
/* HKDF with SHA-256 as keys are derived by it: appendix A of RFC 5869. */
#include <stdlib.h>

#include "check.h"
#include "seal_kdf.h"
#include "seal_parts.h"

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static void
vector(const char *ikm, const char *salt, const char *info, const char *prk, const char *okm)
{
	uint8_t in[128], with[128], of[128], got_prk[SEAL_PRK_BYTES], want[128], got[128];
	size_t n_in = unhex(ikm, in), n_with = unhex(salt, with), n_of = unhex(info, of), n_okm;
	struct seal_kdf k;

	CU_ASSERT_EQUAL_FATAL(seal_kdf_init(&k), 0);
	CU_ASSERT_EQUAL(seal_kdf_extract(&k, with, n_with, in, n_in, got_prk), 0);
	CU_ASSERT_EQUAL(unhex(prk, want), sizeof(got_prk));
	CU_ASSERT_EQUAL(memcmp(got_prk, want, sizeof(got_prk)), 0);
	n_okm = unhex(okm, want);
	CU_ASSERT_EQUAL(seal_kdf_expand(&k, got_prk, of, n_of, got, n_okm), 0);
	CU_ASSERT_EQUAL(memcmp(got, want, n_okm), 0);
	/* the context is used again and again: nothing of the call before may stay in it */
	CU_ASSERT_EQUAL(seal_kdf_expand(&k, got_prk, of, n_of, got, n_okm), 0);
	CU_ASSERT_EQUAL(memcmp(got, want, n_okm), 0);
	seal_kdf_fini(&k);
}

static void
test_basic(void)
{
	vector("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
	    "f0f1f2f3f4f5f6f7f8f9",
	    "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	    "34007208d5b887185865");
}

static void
test_long(void)
{
	vector("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	       "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	       "404142434445464748494a4b4c4d4e4f",
	    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	    "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	    "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
	    "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
	    "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
	    "cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

static void
test_without_salt(void)
{
	vector("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	    "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	    "9d201395faa4b61a96c8");
}

/* What keys are told apart by: each part at its place, in network order. */
static void
test_info(void)
{
	uint8_t got[SEAL_INFO_BYTES], want[SEAL_INFO_BYTES];

	unhex("776569722077697265207631" /* weir wire v1 */
	      "0102030405060708"
	      "1112131415161718"
	      "0000000000000021",
	    want);
	seal_key_info(UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718), 0x21, got);
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(got)), 0);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "RFC 5869, A.1: basic", test_basic },
		{ "RFC 5869, A.2: longer than a block", test_long },
		{ "RFC 5869, A.3: no salt, no info", test_without_salt },
		{ "the info of a key", test_info },
		CU_TEST_INFO_NULL,
	};

	return check_run("kdf", tests);
}
