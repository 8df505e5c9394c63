#include "components/router/http1/rewrite.h"

#include <charconv>
#include <cstring>

#include "operator/base/json.h"

namespace penstock::router::http1 {

namespace {

class Writer {
 public:
  explicit Writer(char* to) : begin_(to), to_(to) {}
  Writer& operator<<(std::string_view text) {
    if (!text.empty()) std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
    return *this;
  }
  Writer& operator<<(std::int64_t number) {
    to_ = std::to_chars(to_, to_ + 20, number).ptr;
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(to_ - begin_); }

 private:
  char* const begin_;
  char* to_;
};

void WriteFields(const Head& head, Writer* out) {
  if (head.field_count == 0) return;
  if (head.all_passed_on) {
    const std::string_view first = head.fields[0].line;
    const std::string_view last = head.fields[head.field_count - 1].line;
    *out << std::string_view(first.data(),
                             static_cast<std::size_t>(last.data() + last.size() - first.data()));
    return;
  }
  for (std::size_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].passed_on) *out << head.fields[i].line;
  }
}

const char* ReasonOf(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace

std::size_t WriteRequest(const RequestHead& head, std::size_t cut_begin, std::size_t cut_end,
                         std::string_view host, char* to) {
  Writer out(to);
  if (head.plain_line && cut_begin == cut_end) {
    out << head.line;
  } else {
    out << head.method << " " << head.target.substr(0, cut_begin) << head.target.substr(cut_end)
        << " HTTP/1.1\r\n";
  }
  WriteFields(head, &out);
  if (!head.authority.empty()) {
    out << "Host: " << head.authority << "\r\n";
  } else if (!head.has_host) {
    out << "Host: " << host << "\r\n";
  }
  if (head.framing == Framing::kChunked) out << "Transfer-Encoding: chunked\r\n";
  out << "\r\n";
  return out.size();
}

std::size_t WriteAnswer(const AnswerHead& head, const AnswerFor& client, char* to) {
  Writer out(to);
  out << "HTTP/1.1 " << head.status_text << "\r\n";
  WriteFields(head, &out);
  if (client.chunked) out << "Transfer-Encoding: chunked\r\n";
  if (client.version > 0) out << "penstock-version: " << client.version << "\r\n";
  if (!client.keep_alive) {
    out << "Connection: close\r\n";
  } else if (!client.http11) {
    out << "Connection: keep-alive\r\n";
  }
  out << "\r\n";
  return out.size();
}

std::string OwnAnswer(int status, std::string_view message, bool keep_alive, bool to_head,
                      int retry_after_seconds, std::string_view fields) {
  const std::string body = Json({{"error", message}}).dump() + "\n";
  std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + ReasonOf(status) +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n";
  if (retry_after_seconds > 0)
    answer += "Retry-After: " + std::to_string(retry_after_seconds) + "\r\n";
  answer += fields;
  answer += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return to_head ? answer : answer + body;
}

}  // namespace penstock::router::http1
