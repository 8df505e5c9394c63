// The program's log on standard error: JSON, one object a line, or text for people. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "operator/base/json_fwd.h"

namespace penstock::runtime {

enum class LogFormat : std::uint8_t { kJson, kConsole };

class Log {
 public:
  // `level`: debug, info, warn or error; what is below it is not written.
  Log(LogFormat format, const std::string& level);
  ~Log();

  void Write(std::string_view level, std::string_view message) const;
  // `fields` is an object whose members join ts, level and msg.
  void Write(std::string_view level, std::string_view message, const Json& fields) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The line without its end, as JSON; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string JsonLogLine(const std::string& time, std::string_view level,
                                      std::string_view message, const Json& fields);

}  // namespace penstock::runtime
