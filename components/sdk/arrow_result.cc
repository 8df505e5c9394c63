#include "components/sdk/arrow_result.h"

namespace penstock::sdk {

Error FromArrowStatus(const arrow::Status& status, const std::string& context) {
  const std::string message = context + ": " + status.message();
  if (status.IsIOError()) {
    if (message.find("No space left") != std::string::npos) return Transient(message);
    if (message.find("No such file") != std::string::npos) return NotFound(message);
    return Invalid(message);
  }
  if (status.IsInvalid() || status.IsTypeError() || status.IsKeyError() ||
      status.IsNotImplemented() || status.IsIndexError()) {
    return Invalid(message);
  }
  return Internal(message);
}

}  // namespace penstock::sdk
