/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantile.h"

#include <weir/base/poison.h> /* last */

WEIR_QUANTILE_FUNCTION(weir_agg_p99, "p99", 0.99, "what 99 in a hundred are below");
