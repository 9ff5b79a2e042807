/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/packet/link.h>

/* Numbers of https://www.tcpdump.org/linktypes.html; this module does not depend on libpcap. */
enum weir_link
weir_link_of_dlt(int dlt)
{
	switch (dlt) {
	case 0:
		return WEIR_LINK_NULL;
	case 1:
		return WEIR_LINK_ETHERNET;
	case 9:  /* PPP */
	case 50: /* PPP in HDLC-like framing, or Cisco HDLC; decode tells them by the first byte */
	case 51: /* PPP over Ethernet, told the same way */
		return WEIR_LINK_PPP;
	case 12:  /* DLT_RAW of most systems */
	case 14:  /* DLT_RAW of OpenBSD */
	case 101: /* LINKTYPE_RAW */
	case 228: /* IPV4 */
	case 229: /* IPV6 */
		return WEIR_LINK_RAW_IP;
	case 104:
		return WEIR_LINK_CHDLC;
	case 108:
		return WEIR_LINK_LOOP;
	case 113:
		return WEIR_LINK_SLL;
	case 239:
		return WEIR_LINK_NFLOG;
	case 276:
		return WEIR_LINK_SLL2;
	default:
		return WEIR_LINK_UNKNOWN;
	}
}
