// The version of Penstock, which CMakeLists.txt of the project names and nothing else does.
#pragma once

namespace penstock {

// As in "0.1.0". Never fails, from any thread.
const char* PenstockVersion();

}  // namespace penstock
