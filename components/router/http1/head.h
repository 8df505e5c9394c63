// The heads of HTTP/1.1 messages (RFC 9112), read strictly, for a proxy: whatever two readers could
// understand differently is refused, so that no request hides in another.
//
// Refused: bare CR or LF, folded lines, space before a colon, other characters than a field may
// have, two lengths, a length beside a transfer coding, codings but chunked, and a Host that is
// missing or there twice.
// A parsed head points into the bytes that it was read from. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::router::http1 {

inline constexpr std::size_t kMostFields = 100;

struct Field {
  std::string_view line;   // with its CRLF
  std::string_view name;   // as written
  std::string_view value;  // without space around it
  bool passed_on = true;   // false: hop-by-hop (RFC 9110, 7.6.1), or written anew by us
};

enum class Framing : std::uint8_t {
  kNone,        // no body
  kLength,      // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // answers only
};

// What is the same in requests and answers.
struct Head {
  std::size_t size = 0;  // bytes, with the empty line and any before the first
  bool http11 = true;    // false: HTTP/1.0
  bool keep_alive = true;
  Framing framing = Framing::kNone;
  std::uint64_t length = 0;  // with kLength
  std::size_t field_count = 0;
  bool all_passed_on = true;
  std::array<Field, kMostFields> fields;  // the first field_count
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;     // in origin form, or "*"
  std::string_view authority;  // of a target in absolute form, else empty
  std::string_view pin;        // value of penstock-version, else empty
  bool https = false;          // by the scheme of a target in absolute form
  bool has_host = false;
  bool expects_continue = false;
  bool plain_line = true;  // the request line can be passed on as it is
  std::string_view line;   // the request line with its CRLF
};

struct AnswerHead : Head {
  int status = 0;
  std::string_view status_text;  // "200 OK"
};

// What came of reading: kWhole, kPartial (more bytes are needed), or kRefused with a status for the
// client and why.
struct Outcome {
  enum class Kind : std::uint8_t { kWhole, kPartial, kRefused } kind = Kind::kPartial;
  int status = 0;
  const char* why = "";
};

// `bytes` from the message's first on. `*searched` is 0 for a new message and lets a head that
// comes in pieces be searched once.
[[nodiscard]] Outcome ReadRequestHead(std::string_view bytes, std::size_t* searched,
                                      RequestHead* head);
// `to_head`: the answer is to a HEAD request and has no body.
[[nodiscard]] Outcome ReadAnswerHead(std::string_view bytes, std::size_t* searched, bool to_head,
                                     AnswerHead* head);

// Without regard to the case of ASCII letters.
[[nodiscard]] bool SameName(std::string_view a, std::string_view b);

}  // namespace penstock::router::http1
