#include "components/router/http1/head.h"

#include <algorithm>
#include <cctype>

#include "components/router/http1/fields.h"

namespace penstock::router::http1 {

namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

// Where the head ends, or npos.
std::size_t FindEnd(std::string_view bytes, std::size_t* searched) {
  const std::size_t from = *searched > kEnd.size() ? *searched - kEnd.size() : 0;
  const auto at = bytes.find(kEnd, from);
  *searched = bytes.size();
  return at == std::string_view::npos ? at : at + kEnd.size();
}

void Reset(Head* head, std::size_t size) {
  head->size = size;
  head->http11 = true;
  head->keep_alive = true;
  head->framing = Framing::kNone;
  head->length = 0;
  head->field_count = 0;
  head->all_passed_on = true;
}

Outcome ReadHttpVersion(std::string_view text, Head* head) {
  if (text == "HTTP/1.1") {
    head->http11 = true;
  } else if (text == "HTTP/1.0") {
    head->http11 = false;
  } else if (text.starts_with("HTTP/")) {
    return Refused(505, "the version of HTTP is not 1.1 or 1.0");
  } else {
    return Refused(400, "the first line is not one of HTTP");
  }
  return {Outcome::Kind::kWhole, 0, ""};
}

// Origin form, "*" for OPTIONS, or absolute form, of which the origin form is left in target.
Outcome ReadTarget(std::string_view target, RequestHead* head) {
  if (target.empty() || std::any_of(target.begin(), target.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F;
      }))
    return Refused(400, "the target has a character that URLs have not");
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  head->https = SameName(target.substr(0, kHttps.size()), kHttps);
  if (head->https || SameName(target.substr(0, kHttp.size()), kHttp)) {
    target.remove_prefix(head->https ? kHttps.size() : kHttp.size());
    const auto path = std::min(target.find_first_of("/?"), target.size());
    head->authority = target.substr(0, path);
    target.remove_prefix(path);
    head->plain_line = false;
    if (head->authority.empty() || head->authority.find('@') != std::string_view::npos)
      return Refused(400, "the target's host is none");
    if (target.empty()) target = "/";
  }
  const bool all = target == "*" && head->method == "OPTIONS";
  if (target.front() != '/' && !all) return Refused(400, "the target is no path");
  head->target = target;
  return {Outcome::Kind::kWhole, 0, ""};
}

Outcome ReadRequestLine(std::string_view line, RequestHead* head) {
  const std::string_view text = line.substr(0, line.size() - 2);
  const auto first = text.find(' ');
  const auto last = text.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return Refused(400, "the first line is not one of HTTP");
  head->line = line;
  head->method = text.substr(0, first);
  if (!IsToken(head->method)) return Refused(400, "the method is no word");
  if (auto version = ReadHttpVersion(text.substr(last + 1), head);
      version.kind != Outcome::Kind::kWhole)
    return version;
  if (head->method == "CONNECT") return Refused(405, "CONNECT is for proxies");
  if (!head->http11) head->plain_line = false;
  return ReadTarget(text.substr(first + 1, last - first - 1), head);
}

}  // namespace

Outcome ReadRequestHead(std::string_view bytes, std::size_t* searched, RequestHead* head) {
  // An empty line before a request is passed over (RFC 9112, 2.2).
  const std::size_t skipped = bytes.starts_with("\r\n") ? 2 : 0;
  const std::string_view message = bytes.substr(skipped);
  if (!message.empty() && std::isalpha(static_cast<unsigned char>(message[0])) == 0 &&
      !IsToken(message.substr(0, 1)) && message != "\r")
    return Refused(400, "the first line is not one of HTTP");
  std::size_t from = *searched > skipped ? *searched - skipped : 0;
  const auto size = FindEnd(message, &from);
  *searched = bytes.size();
  if (size == std::string_view::npos) return {};
  Reset(head, skipped + size);
  head->authority = head->pin = {};
  head->https = head->has_host = head->expects_continue = false;
  head->plain_line = true;
  const auto line_end = message.find('\r');
  if (message[line_end + 1] != '\n')
    return Refused(400, "a line ends with a carriage return alone");
  if (auto line = ReadRequestLine(message.substr(0, line_end + 2), head);
      line.kind != Outcome::Kind::kWhole)
    return line;
  auto fields = FieldReader(head, head).Read(message.substr(line_end + 2, size - line_end - 2));
  if (fields.kind != Outcome::Kind::kWhole) return fields;
  if (head->http11 && !head->has_host) return Refused(400, "no Host header");
  if (!head->http11) head->expects_continue = false;
  return fields;
}

Outcome ReadAnswerHead(std::string_view bytes, std::size_t* searched, bool to_head,
                       AnswerHead* head) {
  const auto size = FindEnd(bytes, searched);
  if (size == std::string_view::npos) return {};
  Reset(head, size);
  const auto line_end = bytes.find('\r');
  if (bytes[line_end + 1] != '\n') return Refused(502, "a line ends with a carriage return alone");
  const std::string_view line = bytes.substr(0, line_end);
  // "HTTP/1.1 200 OK"; the reason may be missing, its space too.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ') ||
      !IsFieldValue(line))
    return Refused(502, "the status line is not one of HTTP");
  if (auto version = ReadHttpVersion(line.substr(0, 8), head);
      version.kind != Outcome::Kind::kWhole)
    return Refused(502, version.why);
  head->status_text = line.substr(9);
  const auto status = ParseLength(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return Refused(502, "the status is no number");
  head->status = static_cast<int>(*status);
  auto fields = FieldReader(head, nullptr).Read(bytes.substr(line_end + 2, size - line_end - 2));
  if (fields.kind != Outcome::Kind::kWhole) return Refused(502, fields.why);
  const bool bodiless = to_head || head->status < 200 || head->status == 204 || head->status == 304;
  if (bodiless) {
    head->framing = Framing::kNone;  // a length, if there is one, is of a body that does not come
  } else if (head->framing == Framing::kNone) {
    head->framing = Framing::kUntilClose;
    head->keep_alive = false;
  }
  return fields;
}

}  // namespace penstock::router::http1
