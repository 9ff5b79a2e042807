/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantile.h"

#include <weir/base/poison.h> /* last */

WEIR_QUANTILE_FUNCTION(weir_agg_p50, "p50", 0.5, "the median");
