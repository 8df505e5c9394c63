// Moves files of the prediction log into the artifact store. Used by the log's own thread.
#pragma once

#include <functional>
#include <string>

#include "operator/base/result.h"

namespace penstock::serve {

// `store` says where the store is: JSON as in a task document, or the path of a file that holds it.
// The file is read again each time: while a server runs, the store's address and authority may
// change. Gives up soon, as what did not arrive is tried again; `say` is told when it begins to
// fail and when it works again. An error where the store cannot be reached as described.
[[nodiscard]] Result<std::function<Result<void>(const std::string& path)>> PredictionSender(
    const std::string& store, const std::string& ns, const std::string& model,
    std::function<void(const std::string& line)> say);

}  // namespace penstock::serve
