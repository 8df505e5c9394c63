#include "operator/base/version.h"

namespace penstock {

// Defined for this file alone, so that another version compiles one file anew.
const char* PenstockVersion() { return PENSTOCK_VERSION; }

}  // namespace penstock
