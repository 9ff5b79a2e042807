/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

struct pair {
	const char *text;
	const char *want;
};

static void
check_all(const struct pair *pairs, size_t n)
{
	struct fixture f;

	fixture_init(&f, 21);
	/* Row 0 is known: no column of it is null. */
	for (unsigned s = 0; s < N_SLOTS; s++)
		weir_mask_clear(f.columns[s].null, 0);
	((uint8_t *)f.columns[SLOT_BOOL].data)[0] = 1;
	((uint16_t *)f.columns[SLOT_U16].data)[0] = 80;
	((int64_t *)f.columns[SLOT_TIME].data)[0] = INT64_C(1767323045123456789);
	((struct weir_bytes *)f.columns[SLOT_STRING].data)[0] =
	    (struct weir_bytes){ (const uint8_t *)f.text[6], 5 };
	for (size_t i = 0; i < n; i++)
		fixture_check(&f, pairs[i].text, pairs[i].want);
	fixture_fini(&f);
}

#define CHECK(pairs) check_all(pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void
test_precedence(void)
{
	static const struct pair pairs[] = {
		{ "1 + 2 * 3", "7" },
		{ "(1 + 2) * 3", "9" },
		{ "10 - 4 - 3", "3" },
		{ "100 / 5 / 2", "10" },
		{ "7 % 4 * 2", "6" },
		{ "1 << 2 + 1", "8" },
		{ "64 >> 2 >> 1", "8" },
		{ "6 & 3 << 1", "6" },
		{ "1 | 6 ^ 3 & 2", "5" },
		{ "6 ^ 3 | 8", "13" },
		/* Unlike C. */
		{ "4 & 6 == 4", "true" },
		{ "1 | 2 == 3", "true" },
		{ "5 ^ 1 != 4", "false" },
		{ "1 + 1 == 2", "true" },
		{ "1 < 2 == 3 < 4", "true" },
		{ "2 > 1 != 1 > 2", "true" },
		{ "0 && 0 || 1", "true" },
		{ "1 || 0 && 0", "true" },
		{ "1 == 1 && 2 == 2", "true" },
		{ "!0 && 0", "false" },
		{ "not 1 == 2", "true" },
		{ "not 1 == 2 and 0", "false" },
		{ "not not 1", "true" },
		{ "!!5", "true" },
		{ "!(1 == 2)", "true" },
		{ "-2 * -3", "6" },
		{ "- -2", "2" },
		{ "-1 >> 1", "-1" },
		{ "~0 & 0xff", "255" },
		{ "~1 + 1", "-1" },
		{ "+5 - +3", "2" },
		{ "1 lt 2 and 2 gt 1 and 1 le 1 and 1 ge 1 and 1 eq 1 and 1 ne 2", "true" },
		{ "0 or 0", "false" },
		{ "80 in {80} && 1", "true" },
		{ "1 + 1 in {2}", "true" },
		{ "1 not in {2} == 1", "true" },
		{ "u16 == 80 && not u16 in {81} && u16 not in {82}", "true" },
	};

	CHECK(pairs);
}

static void
test_literals(void)
{
	static const struct pair pairs[] = {
		{ "0", "0" },
		{ "007", "7" },
		{ "0x1F", "31" },
		{ "0xffffffffffffffff", "-1" },
		{ "0x00000000000000000001", "1" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "10k", "10000" },
		{ "1M", "1000000" },
		{ "2G", "2000000000" },
		{ "3T", "3000000000000" },
		{ "1.5k", "1500" },
		{ "0.5", "0.5" },
		{ ".5", "0.5" },
		{ "1e3 == 1000", "true" },
		{ "2.5e-1", "0.25" },
		{ "1E+2 == 100", "true" },
		{ "5ns", "0.000000005" },
		{ "5us", "0.000005000" },
		{ "200ms", "0.200000000" },
		{ "1.5s", "1.500000000" },
		{ "10m", "600.000000000" },
		{ "1h", "3600.000000000" },
		{ "1d", "86400.000000000" },
		{ "0.5d == 12h", "true" },
		{ "1.0000000004ns == 1ns", "true" },
		{ "-5ms", "-0.005000000" },
		/* Numbers beside durations are seconds, exactly. */
		{ "200ms == 0.2", "true" },
		{ "0.1 + 200ms == 300ms", "true" },
		{ "1ns == 0.000000001", "true" },
		{ "-0.2 == -200ms", "true" },
		{ "1700000000s + 0ns == 1700000000", "true" },
		{ "0s + 1700000000.123456789 - 1700000000123456789ns == 0s", "true" },
		{ "10.0.0.1", "10.0.0.1" },
		{ "::1", "::1" },
		{ "::", "::" },
		{ "fe80::1", "fe80::1" },
		{ "2001:DB8::5", "2001:db8::5" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
		{ "aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff" },
		{ "00:11:22:33:44:55", "00:11:22:33:44:55" },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
		{ "10.1.2.3 == 10.0.0.0/8", "true" },
		{ "10.1.2.3==10.0.0.0/8", "true" },
		{ "2001:db8:1::in 2001:db8::/32", "bad address '2001:db8:1::in' at 1" },
		{ "2001:db8:1::1 in 2001:db8::/32", "true" },
		{ "\"a\\\"b\"", "a\"b" },
		{ "'a\"b'", "a\"b" },
		{ "'it\\'s'", "it's" },
		{ "\"a\\x41\\x7a\"", "aAz" },
		{ "len(\"\\n\\t\\\\\")", "3" },
		{ "len(\"\\d\\x00\")", "3" },
		{ "len('')", "0" },
		{ "time == \"2026-01-02T03:04:05.123456789Z\"", "true" },
		{ "time == \"2026-01-02T05:04:05.123456789+02:00\"", "true" },
		{ "\"2026-01-02 03:04:05z\" < time", "true" },
		{ "time < \"2026-01-02T03:04:05.123456790Z\"", "true" },
		{ "time - 45.123456789 == \"2026-01-02T03:03:20Z\"", "true" },
	};

	CHECK(pairs);
}

static void
test_errors(void)
{
	static const struct pair pairs[] = {
		{ "", "empty expression at 1" },
		{ "  ", "empty expression at 1" },
		{ "u17", "unknown field 'u17' at 1 (try 'u16')" },
		{ "1 + strnig", "unknown field 'strnig' at 5 (try 'string')" },
		{ "nothing.like.it", "unknown field 'nothing.like.it' at 1" },
		{ "len", "unknown field 'len' at 1 (the function is len(s))" },
		{ "uper(string)", "unknown function 'uper' at 1 (try 'upper')" },
		{ "u16(1)", "unknown function 'u16' at 1" },
		{ "string contians 'x'", "unknown operator 'contians' at 8 (try 'contains')" },
		{ "(string contians 'x')", "unknown operator 'contians' at 9 (try 'contains')" },
		{ "string = 'x'", "unexpected '=' at 8 (try '==')" },
		{ "string ~ 'x'", "unexpected '~' at 8 (want 'matches' for patterns)" },
		{ "1 2", "unexpected '2' at 3 (want an operator)" },
		{ "1)", "unexpected ')' at 2 (want an operator)" },
		{ "(1", "missing ')' at 3 (for '(' at 1)" },
		{ "len('a'", "missing ')' at 8 (for '(' at 4)" },
		{ "u8 in {1, 2", "missing '}' at 12 (for '{' at 7)" },
		{ "u8 in {}", "empty set at 7" },
		{ "u8 in {1,}", "unexpected '}' at 10 (want a field, a constant or '(')" },
		{ "u8 in {9..3}", "empty range at 8 (the smaller end comes first)" },
		{ "u8 in {u16}", "sets are of constants; no constant at 8" },
		{ "u8 in 5", "unexpected '5' at 7 (want a set {...}, a network or an address)" },
		{ "u8 not 5", "unexpected '5' at 8 (want 'in' behind not)" },
		{ "{1}", "unexpected '{' at 1 (want a set only behind 'in')" },
		{ "1 +", "unexpected end at 4 (want a field, a constant or '(')" },
		{ "&& 1", "unexpected '&&' at 1 (want a field, a constant or '(')" },
		{ "1 + not 1", "unexpected 'not' at 5 (want brackets around not ...)" },
		{ "'abc", "unterminated string at 1" },
		{ "1 == 'abc\\'", "unterminated string at 6" },
		{ "'\\x4'", "\\x without two hexadecimal digits at 2" },
		{ "#", "unexpected '#' at 1" },
		{ "1 + \xc3\xa9", "unexpected '\xc3\xa9' at 5" },
		{ "'\xc3\xa9' #", "unexpected '#' at 5" },
		{ "\x01", "unexpected character \\x01 at 1" },
		{ "5tuple", "bad number '5tuple' at 1 (units are k M G T and ns us ms s m h d)" },
		{ "10sec", "bad number '10sec' at 1 (units are k M G T and ns us ms s m h d)" },
		{ "0xfg", "bad number '0xfg' at 1 (hexadecimal digits are 0 to f)" },
		{ "0x10000000000000000",
		    "bad number '0x10000000000000000' at 1 (it does not fit 64 bits)" },
		{ "9223372036854775808",
		    "bad number '9223372036854775808' at 1 (it does not fit 64 bits)" },
		{ "99999999999999999999",
		    "bad number '99999999999999999999' at 1 (it does not fit 64 bits)" },
		{ "300000d", "bad number '300000d' at 1 (it does not fit 64 bits)" },
		{ "1e999", "bad number '1e999' at 1 (it does not fit 64 bits)" },
		{ "1.0001k", "bad number '1.0001k' at 1 (no whole number)" },
		{ "1.5.2", "bad address '1.5.2' at 1" },
		{ "ip == 10.0.0.256", "bad address '10.0.0.256' at 7" },
		{ "ip == 2001:db8:::1", "bad address '2001:db8:::1' at 7" },
		{ "ip in 10.0.0.0/33",
		    "bad network '10.0.0.0/33' at 7 (the prefix of IPv4 is 0 to 32)" },
		{ "ip in ::/129", "bad network '::/129' at 7 (the prefix of IPv6 is 0 to 128)" },
		{ "ip in 10.0.0.0/255.0.0.0",
		    "bad network '10.0.0.0/255.0.0.0' at 7 (the prefix of IPv4 is 0 to 32)" },
		{ "mac == aa:bb:cc:dd:ee:f", "bad address 'aa:bb:cc:dd:ee:f' at 8" },
		{ "10.0.0.0/8", "network alone at 1 (networks stand behind in, == or !=)" },
		{ "ip > 10.0.0.0/8", "cannot compare address with network at 4 (networks stand "
				     "behind in, == or !=)" },
		{ "10.0.0.0/8 == ip",
		    "network on the left side of '==' at 1 (put it on the right side)" },
		{ "mac in 10.0.0.0/8", "cannot look for mac in a set with network at 8" },
		{ "ip in {10.0.0.0/8, 5}", "cannot look for address in a set with int at 20" },
		{ "ip in {10.0.0.1..::1}", "range from IPv4 to IPv6 at 8" },
		{ "u8 in {'a'}", "cannot look for int in a set with string at 8" },
		{ "string in {'a'..'b'}",
		    "ranges are of numbers and addresses, not strings at 12" },
		{ "ip     == 5", "cannot compare address with int at 8" },
		{ "string < 5", "cannot compare string with int at 8" },
		{ "time > 5", "cannot compare time with int at 6" },
		{ "time == string", "cannot compare time with string at 6" },
		{ "time > 'yesterday'", "bad time at 8 (want \"2026-01-02T03:04:05Z\")" },
		{ "time > '2026-02-30T00:00:00Z'",
		    "bad time at 8 (want \"2026-01-02T03:04:05Z\")" },
		{ "time > '9999-01-01T00:00:00Z'",
		    "bad time at 8 (want \"2026-01-02T03:04:05Z\")" },
		{ "string + 1", "cannot use '+' on string and int at 8" },
		{ "float & 1", "cannot use '&' on float and int at 7" },
		{ "duration * 1s", "cannot use '*' on duration and duration at 10" },
		{ "-string", "cannot use '-' on string at 1" },
		{ "~float", "cannot use '~' on float at 1" },
		{ "+ip", "cannot use '+' on address at 1" },
		{ "!ip", "cannot use address as a condition at 2 (compare it with something)" },
		{ "1 && string",
		    "cannot use string as a condition at 6 (compare it with something)" },
		{ "duration == 10000000000",
		    "number too large for a duration at 13 (it is seconds there)" },
		{ "1 < u8 < 5",
		    "comparisons do not chain at 8 (join two with &&, or use brackets)" },
		{ "u8 == 1 == 1",
		    "comparisons do not chain at 9 (join two with &&, or use brackets)" },
		{ "!u8 == 5", "'!' holds for the left side of the comparison only at 1"
			      " (write !(...) or the word not)" },
		{ "u8 contains 'a'", "'contains' needs a string on its left side, not int at 1" },
		{ "string contains 5",
		    "'contains' needs a string on its right side, not int at 17" },
		{ "string matches string2", "the pattern of 'matches' must be a constant at 16" },
		{ "string matches '('",
		    "bad pattern (missing closing parenthesis, after 1 of its characters) at 16" },
		{ "len()", "len(s) needs 1 argument, not 0, at 1" },
		{ "len('a', 'b')", "too many arguments for len(s) at 10" },
		{ "len(5)", "len() wants a string, not int at 5" },
		{ "len(10.0.0.0/8)", "len() wants a string, not network at 5" },
		{ "net(ip)", "net(ip, n[, n6]) needs 2 arguments, not 1, at 1" },
		{ "net(ip, 129)", "net() cannot keep 129 bits at 9 (0 to 128)" },
		{ "net(ip, -1)", "net() cannot keep -1 bits at 9 (0 to 128)" },
		{ "net(ip, 33, 64)", "net() cannot keep 33 bits at 9 (0 to 32)" },
		{ "net(10.0.0.1, 33)", "net() cannot keep 33 bits at 15 (0 to 32)" },
		{ "net(u8, 8)", "net() wants an address, not int at 5" },
		{ "anon('a')", "anon() wants an address, not string at 6" },
		{ "bucket(u8, 0)", "bucket() wants a width above zero at 12" },
		{ "bucket(u8, -5)", "bucket() wants a width above zero at 12" },
		{ "bucket(string, 5)",
		    "bucket() wants a number, duration or time, not string at 8" },
		{ "bucket(time, 'a')", "bucket() wants a number or duration, not string at 14" },
		{ "if(ip, 1, 2)",
		    "cannot use address as a condition at 4 (compare it with something)" },
		{ "if(1, ip, 2)", "if() wants two values of one type, not address and int at 11" },
		{ "seqlt(1.5, 2)", "seqlt() wants an int, not float at 7" },
		{ "hash(::/0)", "hash() wants a value, not network at 6" },
	};

	CHECK(pairs);
}

static char *
repeat(const char *before, const char *piece, unsigned n, const char *after)
{
	size_t len = strlen(piece);
	char *text = malloc(strlen(before) + len * n + strlen(after) + 1), *p = text;

	p = stpcpy(p, before);
	while (n--)
		p = stpcpy(p, piece);
	strcpy(p, after);
	return text;
}

static void
check_limit(const char *before, const char *piece, unsigned n, const char *after, const char *want)
{
	char *text = repeat(before, piece, n, after);
	struct fixture f;

	fixture_init(&f, 22);
	fixture_check(&f, text, want);
	fixture_fini(&f);
	free(text);
}

static void
test_limits(void)
{
	check_limit("", "!", 198, "1", "true");
	check_limit("", "!", 300, "1", "more than 200 brackets within each other at 201");
	check_limit("", "(", 300, "1", "more than 200 brackets within each other at 201");
	check_limit("", "-", 60000, "1", "more than 200 brackets within each other at 201");
	check_limit("u8 == u8", " || u8 == 1", 1500, "", "true");
	check_limit("u8", " + u8", 2500, "", "expression of more than 2000 steps at 9999");
	check_limit("", " ", 70000, "1", "expression longer than 65536 bytes at 65537");
	check_limit("0 in {0", ",1", 30000, "}", "true");
}

/*
 * The names that --map and --agg allow may hold dashes, the longest name in scope is meant; and
 * they may be those of operators.
 */
static void
test_names(void)
{
	static const struct weir_symbol symbols[] = {
		{ "a", WEIR_INT, WEIR_I64, 0 },
		{ "b", WEIR_INT, WEIR_I64, 1 },
		{ "a-b", WEIR_INT, WEIR_I64, 2 },
		{ "tcp.flags.syn", WEIR_INT, WEIR_I64, 3 },
		{ "face", WEIR_INT, WEIR_I64, 4 },
		{ "in", WEIR_INT, WEIR_I64, 5 },
	};
	static const struct {
		const char *text;
		unsigned n;
		unsigned slots[2];
		int symbol;
	} cases[] = {
		{ "a", 1, { 0 }, 0 },
		{ "((a-b))", 1, { 2 }, 2 },
		{ "a - b", 2, { 0, 1 }, -1 },
		{ "a-b-a", 2, { 2, 0 }, -1 },
		{ "a-bc", 0, { 0 }, -1 },
		{ "tcp.flags.syn", 1, { 3 }, 3 },
		{ "face", 1, { 4 }, 4 },
		{ "face/a", 2, { 4, 0 }, -1 },
		{ "a+a*a", 1, { 0 }, -1 },
		{ "1+1", 0, { 0 }, -1 },
		/* An operator where a value stands. */
		{ "in", 1, { 5 }, 5 },
		{ "a - in > 3 && in in {5}", 2, { 0, 5 }, -1 },
	};
	const struct weir_scope scope = { symbols, 6 };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_program *p;
		unsigned slots[4] = { 99, 99, 99, 99 };
		int rc = weir_program_compile(cases[i].text, &scope, &p, NULL);

		if (strcmp(cases[i].text, "a-bc") == 0) {
			CU_ASSERT_EQUAL(rc, -EINVAL);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		CU_ASSERT_EQUAL(weir_program_is_symbol(p), cases[i].symbol);
		CU_ASSERT_EQUAL(weir_program_slots(p, NULL, 0), cases[i].n);
		CU_ASSERT_EQUAL(weir_program_slots(p, slots, 4), cases[i].n);
		for (unsigned s = 0; s < cases[i].n; s++)
			CU_ASSERT_EQUAL(slots[s], cases[i].slots[s]);
		CU_ASSERT_EQUAL(slots[cases[i].n], 99);
		weir_program_destroy(p);
	}
	weir_program_destroy(NULL);
}

/* The expressions of the queries that the design lists must compile, to the type that their place
 * wants. */
static void
test_queries(void)
{
	static const struct weir_symbol symbols[] = {
		{ "tcp.flags.syn", WEIR_INT, WEIR_U8, 0 },
		{ "tcp.flags.ack", WEIR_INT, WEIR_U8, 1 },
		{ "tcp.flags.fin", WEIR_INT, WEIR_U8, 2 },
		{ "tcp.flags", WEIR_INT, WEIR_U16, 3 },
		{ "tcp.dstport", WEIR_INT, WEIR_U16, 4 },
		{ "udp.srcport", WEIR_INT, WEIR_U16, 5 },
		{ "tcp", WEIR_BOOL, WEIR_U8, 6 },
		{ "payload", WEIR_STRING, WEIR_BYTES, 7 },
		{ "tcp.seq_raw", WEIR_INT, WEIR_U32, 8 },
		{ "tcp.len", WEIR_INT, WEIR_U32, 9 },
		{ "frame.time_epoch", WEIR_DURATION, WEIR_I64, 10 },
		{ "ip.src", WEIR_IP, WEIR_ADDR, 11 },
		{ "ip.dst", WEIR_IP, WEIR_ADDR, 12 },
		{ "srcport", WEIR_INT, WEIR_U16, 13 },
		{ "dstport", WEIR_INT, WEIR_U16, 14 },
		{ "frame.interface", WEIR_INT, WEIR_U16, 15 },
		{ "n", WEIR_INT, WEIR_I64, 16 },
		{ "bytes", WEIR_INT, WEIR_I64, 17 },
		{ "conns", WEIR_INT, WEIR_I64, 18 },
		{ "max", WEIR_INT, WEIR_I64, 19 },
		{ "t", WEIR_DURATION, WEIR_I64, 20 },
		{ "next", WEIR_INT, WEIR_I64, 21 },
	};
	static const struct {
		const char *text;
		enum weir_type type;
	} queries[] = {
		{ "tcp.flags.syn && !tcp.flags.ack", WEIR_BOOL },
		{ "n >= 40", WEIR_BOOL },
		{ "tcp", WEIR_BOOL },
		{ "tcp.flags == 0x10", WEIR_BOOL },
		{ "n + conns - bytes >= 3", WEIR_BOOL },
		{ "conns >= 5 && bytes >= 500 && bytes/conns <= 90", WEIR_BOOL },
		{ "udp.srcport == 53 && n >= 1", WEIR_BOOL },
		{ "payload contains \"zorro\"", WEIR_BOOL },
		{ "upper(payload)", WEIR_STRING },
		{ "next!=tcp.seq_raw", WEIR_BOOL },
		{ "n + (next!=tcp.seq_raw)", WEIR_INT },
		{ "tcp.seq_raw+tcp.len+tcp.flags.syn+tcp.flags.fin", WEIR_INT },
		{ "n + seqlt(tcp.seq_raw,max)", WEIR_INT },
		{ "seqmax(max,tcp.seq_raw)", WEIR_INT },
		{ "bucket(bytes,128)", WEIR_INT },
		{ "frame.time_epoch-t", WEIR_DURATION },
		{ "t>0.2&&t<0.32", WEIR_BOOL },
		{ "frame.interface==0", WEIR_BOOL },
		{ "(n-conns)*100 > n", WEIR_BOOL },
		{ "bytes > 100k", WEIR_BOOL },
		{ "net(ip.src,24)", WEIR_IP },
		{ "if(ip.src < ip.dst || (ip.src == ip.dst && srcport <= dstport),ip.src,ip.dst)",
		    WEIR_IP },
		{ "if(ip.src < ip.dst || (ip.src == ip.dst && srcport <= dstport),srcport,dstport)",
		    WEIR_INT },
	};
	const struct weir_scope scope = { symbols, sizeof(symbols) / sizeof(symbols[0]) };

	for (unsigned i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct weir_program *p = NULL;
		struct weir_error err;

		if (weir_program_compile(queries[i].text, &scope, &p, &err)) {
			printf("\n%s: %s\n", queries[i].text, err.text);
			CU_FAIL("does not compile");
			continue;
		}
		CU_ASSERT_EQUAL(weir_program_type(p), queries[i].type);
		weir_program_destroy(p);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "precedence", test_precedence },
		{ "literals", test_literals },
		{ "mistakes are named with their place", test_errors },
		{ "limits", test_limits },
		{ "names and slots", test_names },
		{ "queries", test_queries },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr syntax", tests);
}
