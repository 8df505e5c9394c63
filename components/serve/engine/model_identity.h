// Which model answers. An empty version is left out of answers, as the V2 protocol asks of
// unversioned servers.
#pragma once

#include <string>

namespace penstock::serve {

struct ModelIdentity {
  std::string name;
  std::string version;
};

}  // namespace penstock::serve
