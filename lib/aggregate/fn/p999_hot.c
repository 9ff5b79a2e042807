/* SPDX-License-Identifier: BSD-3-Clause */
#include "quantile.h"

#include <weir/base/poison.h> /* last */

WEIR_QUANTILE_FUNCTION(weir_agg_p999, "p999", 0.999, "what 999 in a thousand are below");
