// A tar archive as it arrives: POSIX ustar and pax, GNU's long names. Says what entries there are;
// judges nothing of their names. Memory: one header and, of pax and long names, at most 1 MiB. Used
// by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::archive {

struct TarEntry {
  std::string path;  // as it stands there
  char type = '0';   // as ustar: '0' file, '1' hard link, '2' symbolic link, '5' folder ...
  std::uint64_t size = 0;
  bool executable = false;
};

// An error of a callback ends the reading and is what the caller gets.
struct TarEvents {
  std::function<Result<void>(const TarEntry&)> begin;
  std::function<Result<void>(std::string_view)> data;  // of a file; `size` bytes in all
  std::function<Result<void>()> end;
};

class TarReader {
 public:
  explicit TarReader(TarEvents events) : events_(std::move(events)) {}

  // Invalid for what is no tar archive.
  [[nodiscard]] Result<void> Write(std::string_view bytes);
  // Invalid where the archive ends within an entry, or before its first.
  [[nodiscard]] Result<void> Finish() const;

 private:
  [[nodiscard]] Result<void> OnHeader();
  [[nodiscard]] Result<void> OnExtra();
  [[nodiscard]] Result<void> ReadPax(std::string_view records);
  [[nodiscard]] Result<void> Begin(TarEntry entry);

  TarEvents events_;
  std::string header_;         // up to 512 bytes
  std::uint64_t left_ = 0;     // of the entry's content
  std::uint64_t padding_ = 0;  // behind it
  bool open_ = false;          // an entry of ours: its end is told
  char extra_ = 0;             // 'x', 'L': what is collected in extra_text_
  std::string extra_text_;
  std::string next_path_;  // of the next entry, said by 'x' or 'L'
  std::string next_size_;
  bool any_ = false;
  bool ended_ = false;  // an empty block was there
};

}  // namespace penstock::archive
