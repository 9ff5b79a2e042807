/* SPDX-License-Identifier: BSD-3-Clause */
#include <pcap/dlt.h>

#include <weir/decode/decode.h>

enum weir_link
weir_decode_link_of_dlt(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
		return WEIR_LINK_ETHERNET;
	case 12: /* DLT_RAW, by system; 101 in files */
	case 14:
	case 101:
	case DLT_IPV4:
	case DLT_IPV6:
		return WEIR_LINK_RAW_IP;
	case DLT_LINUX_SLL:
		return WEIR_LINK_SLL;
	case DLT_LINUX_SLL2:
		return WEIR_LINK_SLL2;
	case DLT_NULL:
		return WEIR_LINK_NULL;
	case 108: /* DLT_LOOP; its number differs on OpenBSD */
		return WEIR_LINK_LOOP;
	case DLT_PPP:
	case DLT_PPP_SERIAL: /* PPP or Cisco HDLC, by the address byte */
	case DLT_PPP_ETHER:  /* PPPoE, told by its first byte */
		return WEIR_LINK_PPP;
	case DLT_C_HDLC:
		return WEIR_LINK_CHDLC;
	case DLT_NFLOG:
		return WEIR_LINK_NFLOG;
	default:
		return WEIR_LINK_UNKNOWN;
	}
}
