// Whole numbers of a JSON body that have more digits than simdjson's DOM takes. Internal to
// predict_decode.cc. Pure.
#pragma once

#include <string>
#include <vector>

namespace penstock::serve {

// Writes those beyond 64 bits with an exponent, in their place and filled up with blanks, so that
// the body keeps its length. True if there was one. `rounded` gets, sorted, the doubles of those
// that no double is: 36893488147419103233, but not 100000000000000000000.
[[nodiscard]] bool RewriteLongIntegers(std::string* body, std::vector<double>* rounded);

}  // namespace penstock::serve
