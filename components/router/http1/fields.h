// The lines of fields of a head, for head.cc. Internal to http1.
#pragma once

#include <optional>
#include <string_view>

#include "components/router/http1/head.h"

namespace penstock::router::http1 {

// Reads the lines after the first into `head`. `lines` ends with the empty line. Sets framing
// (without a body's default), keep_alive by Connection, and what is passed on.
class FieldReader {
 public:
  // request: null for an answer.
  FieldReader(Head* head, RequestHead* request) : head_(head), request_(request) {}
  // kWhole or kRefused.
  [[nodiscard]] Outcome Read(std::string_view lines);

 private:
  [[nodiscard]] Outcome Take(std::string_view line);
  [[nodiscard]] Outcome TakeLength(Field* field);
  [[nodiscard]] Outcome TakeCoding(Field* field);
  [[nodiscard]] Outcome TakeOfRequest(Field* field);
  void TakeConnection(Field* field);
  [[nodiscard]] Outcome Finish();
  void Drop(Field* field);
  void DropNamed();

  Head* const head_;
  RequestHead* const request_;
  bool length_seen_ = false;
  bool coding_seen_ = false;
  bool close_ = false;
  bool keep_ = false;
  bool names_others_ = false;  // Connection names fields
};

[[nodiscard]] Outcome Refused(int status, const char* why);
[[nodiscard]] bool IsToken(std::string_view text);
// Visible characters, spaces, tabs and bytes above 127.
[[nodiscard]] bool IsFieldValue(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> ParseLength(std::string_view text);

}  // namespace penstock::router::http1
