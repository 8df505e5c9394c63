// As whom a client speaks to its API server. Any thread.
#pragma once

#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::cli {

struct Person {
  std::string name;
  std::vector<std::string> groups;
};

// NotFound where the API server does not say.
[[nodiscard]] Result<Person> WhoAmI(kube::Client& client);

}  // namespace penstock::cli
