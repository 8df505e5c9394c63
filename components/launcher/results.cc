#include "components/launcher/results.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/base/whole_number.h"

namespace penstock::launcher {
namespace fs = std::filesystem;
namespace {

// Opening neither follows a link nor waits for the other end of a pipe.
Result<std::string> ReadSmallFile(const fs::path& path, std::size_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == ENOENT) return NotFound("was not written to " + path.string());
  if (fd < 0 && (errno == ELOOP || errno == ENXIO))
    return Invalid(path.string() + " is no regular file");
  if (fd < 0) return Invalid(path.string() + ": " + std::generic_category().message(errno));
  struct stat st {};
  std::string bytes(limit + 1, '\0');
  Result<std::string> out = std::string();
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    out = Invalid(path.string() + " is no regular file");
  } else if (static_cast<std::uint64_t>(st.st_size) > limit) {
    out = Invalid(path.string() + " has " + std::to_string(st.st_size) + " bytes; at most " +
                  std::to_string(limit) + " are allowed: make it an output");
  } else {
    std::size_t size = 0;
    ssize_t n = 0;
    while (size <= limit && (n = ::read(fd, bytes.data() + size, bytes.size() - size)) > 0)
      size += static_cast<std::size_t>(n);
    bytes.resize(size);
    out = n < 0          ? Result<std::string>(Invalid("reading " + path.string() + ": " +
                                                       std::generic_category().message(errno)))
          : size > limit ? Result<std::string>(Invalid(path.string() + " grows while it is read"))
                         : Result<std::string>(std::move(bytes));
  }
  ::close(fd);
  return out;
}

Result<Json> AsText(const fs::path& path, std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.find('\0') != std::string::npos) return Invalid(path.string() + " holds a NUL byte");
  Json value(std::move(text));
  try {
    (void)value.dump();
  } catch (const Json::exception&) {
    return Invalid(path.string() + " is not UTF-8 text");
  }
  return value;
}

// For a text that is no JSON, as programs print their own words for it.
std::string WhatToWrite(std::string text, const std::string& type) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"nan", "inf"})
    if (text.find(word) != std::string::npos)
      return "JSON has no nan and no infinity; write a number, or declare the result as a string";
  if (type == "boolean") return "write true or false, in small letters";
  if (type == "integer") return "write digits without zeros in front, as 10";
  if (type == "number") return "write it as 0.5 or 10, within the range of a double";
  return std::string("write JSON, as ") + (type == "list" ? "[\"a\", 1]" : "{\"a\": 1}") +
         " (Python: json.dumps), nested no deeper than 256 levels";
}

Result<Json> ReadOne(const TaskResult& result, const Workspace& ws) {
  const fs::path path = ws.ResultFile(result.name);
  auto text = ReadSmallFile(path, kMaxResultBytes);
  if (!text) return text.error();
  if (result.type == "string") return AsText(path, std::move(*text));
  auto value = ParseJson(*text, path.string());
  if (!value)
    return Invalid(path.string() + " is not JSON: it holds '" + plan::Shown(*text, 60) + "'; " +
                   WhatToWrite(*text, result.type));
  if (const std::string number = RoundedNumberIn(*text); !number.empty())
    return Invalid(path.string() + ": " + WhyRounded(number));
  if (!HasType(*value, result.type))
    return Invalid(path.string() + " holds " +
                   value->dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 60) +
                   ", which is no " + result.type);
  return value;
}

}  // namespace

Result<Json> ReadResults(const TaskDocument& task, const Workspace& ws) {
  Json all = Json::object();
  std::size_t total = 0;
  for (const auto& result : task.results) {
    auto value = ReadOne(result, ws);
    if (!value) return Invalid("result '" + result.name + "': " + value.error().message);
    total += value->dump(-1, ' ', false, Json::error_handler_t::replace).size();
    if (total > kMaxResultsBytes)
      return Invalid("the results have more than 64 KiB together: make '" + result.name +
                     "' an output");
    all[result.name] = std::move(*value);
  }
  return all;
}

ResultsOfFailure ReadResultsOfFailure(const TaskDocument& task, const Workspace& ws) {
  std::map<std::string, Json> written;
  for (const auto& result : task.results)
    if (auto value = ReadOne(result, ws)) written[result.name] = std::move(*value);
  ResultsOfFailure results{Json::object(), {}};
  for (auto& [name, value] : written) {
    results.kept[name] = std::move(value);
    // As the termination message is written.
    const auto text = results.kept.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() <= kMaxFailedResults) continue;
    results.kept.erase(name);
    results.too_large.push_back(name);
  }
  return results;
}

Result<std::map<std::string, std::string>> ReadFingerprints(const TaskDocument& task,
                                                            const Workspace& ws) {
  std::map<std::string, std::string> out;
  for (const auto& input : task.inputs) {
    if (input.artifact) continue;
    const fs::path path = ws.Fingerprint(input.name);
    auto text = ReadSmallFile(path, 1024);
    if (text) {
      auto value = AsText(path, std::move(*text));
      if (!value)
        return Invalid("the fingerprint of input '" + input.name + "': " + value.error().message);
      out[input.name] = value->get<std::string>();
    } else if (text.error().kind != ErrorKind::kNotFound) {
      return Invalid("the fingerprint of input '" + input.name + "': " + text.error().message);
    } else if (!input.fingerprint.empty()) {
      out[input.name] = input.fingerprint;
    }
  }
  return out;
}

Result<std::string> ReadNotReusable(const Workspace& ws) {
  const std::string what = "why the outputs are not to be reused";
  const fs::path path = ws.not_reusable();
  auto text = ReadSmallFile(path, 1024);
  if (!text && text.error().kind == ErrorKind::kNotFound) return std::string();
  if (!text) return Wrap(what, text.error());
  auto value = AsText(path, std::move(*text));
  if (!value) return Wrap(what, value.error());
  std::string why = plan::Shown(value->get<std::string>(), kMaxNotReusable);
  if (why.find_first_not_of(' ') == std::string::npos)
    return Invalid(what + ": " + path.string() + " is empty; write the reason into it");
  return why;
}

}  // namespace penstock::launcher
