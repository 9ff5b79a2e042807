/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantile.h"

#include <weir/base/poison.h> /* last */

WEIR_QUANTILE_FUNCTION(weir_agg_p90, "p90", 0.9, "what nine in ten are below");
