#include "components/sdk/arrow_result.h"

#include <arrow/util/io_util.h>

#include <cerrno>

namespace penstock::sdk {

Error FromArrowStatus(const arrow::Status& status, const std::string& context) {
  const std::string message = context + ": " + status.message();
  if (status.IsIOError()) {
    switch (arrow::internal::ErrnoFromStatus(status)) {  // 0 where it is not known
      case ENOSPC:
      case EDQUOT:
        return Transient(message);
      case ENOENT:
        return NotFound(message);
      default:
        return Invalid(message);
    }
  }
  if (status.IsInvalid() || status.IsTypeError() || status.IsKeyError() ||
      status.IsNotImplemented() || status.IsIndexError()) {
    return Invalid(message);
  }
  return Internal(message);
}

}  // namespace penstock::sdk
