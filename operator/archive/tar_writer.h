// A tar archive of plain files as it is written: POSIX ustar, and pax for what does not fit in it.
// The same bytes for the same entries. Memory: one header. Used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::archive {

class TarWriter {
 public:
  using Out = std::function<Result<void>(std::string_view)>;
  explicit TarWriter(Out out) : out_(std::move(out)) {}

  // The next file. Invalid where the one before has not got all its bytes, and for a path that is
  // empty or longer than 100 bytes.
  [[nodiscard]] Result<void> Begin(const std::string& path, std::uint64_t size);
  // Of its content. Invalid for more than were said.
  [[nodiscard]] Result<void> Write(std::string_view bytes);
  [[nodiscard]] Result<void> Finish();

 private:
  [[nodiscard]] Result<void> Header(const std::string& path, char type, std::uint64_t size);
  [[nodiscard]] Result<void> Pad(std::uint64_t written);

  Out out_;
  std::uint64_t left_ = 0;  // of the content
  std::uint64_t size_ = 0;
};

}  // namespace penstock::archive
