#include "components/router/http1/fields.h"

#include <algorithm>
#include <charconv>

namespace penstock::router::http1 {

namespace {

constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> is{};
  for (char c = '0'; c <= '9'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<unsigned char>(c)] = true;
  return is;
}();

constexpr std::array<bool, 256> kValueCharacters = [] {
  std::array<bool, 256> is{};
  for (int c = 0x20; c < 256; ++c) is[static_cast<std::size_t>(c)] = c != 0x7F;
  is['\t'] = true;
  return is;
}();

bool All(const std::array<bool, 256>& allowed, std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return allowed[static_cast<unsigned char>(c)]; });
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

constexpr Outcome kWhole{Outcome::Kind::kWhole, 0, ""};

// Calls `take` with each element of a comma-separated list.
template <typename Take>
void ForEachOf(std::string_view list, Take take) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    take(Trim(list.substr(0, comma)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

Outcome Refused(int status, const char* why) { return {Outcome::Kind::kRefused, status, why}; }
bool IsToken(std::string_view text) { return !text.empty() && All(kTokenCharacters, text); }
bool IsFieldValue(std::string_view text) { return All(kValueCharacters, text); }

std::optional<std::uint64_t> ParseLength(std::string_view text) {
  constexpr std::size_t kMostDigits = 18;  // below 2^63
  std::uint64_t length = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (ec != std::errc() || end != text.data() + text.size() || text.size() > kMostDigits)
    return std::nullopt;
  return length;
}

Outcome FieldReader::Read(std::string_view lines) {
  while (lines != "\r\n") {
    const auto end = lines.find('\r');
    // The head ends with CRLF, so there is one, and a character after it.
    if (lines[end + 1] != '\n') return Refused(400, "a line ends with a carriage return alone");
    if (auto outcome = Take(lines.substr(0, end + 2)); outcome.kind != Outcome::Kind::kWhole)
      return outcome;
    lines.remove_prefix(end + 2);
  }
  return Finish();
}

Outcome FieldReader::Take(std::string_view line) {
  if (head_->field_count == kMostFields) return Refused(431, "more than 100 header fields");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon)))
    return Refused(400, "a header line is not 'name: value'");
  Field& field = head_->fields[head_->field_count++];
  field.line = line;
  field.name = line.substr(0, colon);
  field.value = Trim(line.substr(colon + 1, line.size() - colon - 3));
  field.passed_on = true;
  if (!IsFieldValue(field.value)) return Refused(400, "a header has a control character");
  switch (field.name.size()) {  // most names need no comparison at all
    case 2:
      if (SameName(field.name, "te")) Drop(&field);
      break;
    case 7:
      if (SameName(field.name, "trailer") || SameName(field.name, "upgrade")) Drop(&field);
      break;
    case 10:
      if (SameName(field.name, "connection")) TakeConnection(&field);
      if (SameName(field.name, "keep-alive")) Drop(&field);
      break;
    case 14:
      if (SameName(field.name, "content-length")) return TakeLength(&field);
      if (SameName(field.name, "http2-settings")) Drop(&field);
      break;
    case 16:
      if (SameName(field.name, "proxy-connection")) Drop(&field);
      break;
    case 17:
      if (SameName(field.name, "transfer-encoding")) return TakeCoding(&field);
      break;
    default:
      break;
  }
  return request_ != nullptr ? TakeOfRequest(&field) : kWhole;
}

Outcome FieldReader::TakeOfRequest(Field* field) {
  if (SameName(field->name, "host")) {
    if (request_->has_host) return Refused(400, "two Host headers");
    request_->has_host = true;
    // Of a target in absolute form its authority is the host (RFC 9112, 3.2.2).
    if (!request_->authority.empty()) Drop(field);
  } else if (SameName(field->name, "expect")) {
    if (!SameName(field->value, "100-continue")) return Refused(417, "Expect is 100-continue only");
    request_->expects_continue = true;
  } else if (SameName(field->name, "penstock-version")) {
    if (!request_->pin.empty()) return Refused(400, "two penstock-version headers");
    request_->pin = field->value;
  }
  return kWhole;
}

Outcome FieldReader::TakeLength(Field* field) {
  const auto length = ParseLength(field->value);
  if (!length) return Refused(400, "Content-Length is no number");
  if (length_seen_) return Refused(400, "two Content-Length headers");
  length_seen_ = true;
  head_->length = *length;
  head_->framing = Framing::kLength;
  return kWhole;
}

Outcome FieldReader::TakeCoding(Field* field) {
  if (coding_seen_) return Refused(400, "two Transfer-Encoding headers");
  coding_seen_ = true;
  if (!SameName(field->value, "chunked")) return Refused(501, "Transfer-Encoding is not chunked");
  Drop(field);  // written anew
  return kWhole;
}

void FieldReader::TakeConnection(Field* field) {
  ForEachOf(field->value, [this](std::string_view option) {
    if (SameName(option, "close")) {
      close_ = true;
    } else if (SameName(option, "keep-alive")) {
      keep_ = true;
    } else {
      names_others_ = true;
    }
  });
  Drop(field);
}

void FieldReader::Drop(Field* field) {
  field->passed_on = false;
  head_->all_passed_on = false;
}

// Fields that Connection names, but for those that say where the message ends and whom it is for.
void FieldReader::DropNamed() {
  for (std::size_t i = 0; i < head_->field_count; ++i) {
    if (!SameName(head_->fields[i].name, "connection")) continue;
    ForEachOf(head_->fields[i].value, [this](std::string_view option) {
      for (std::size_t j = 0; j < head_->field_count; ++j) {
        Field& field = head_->fields[j];
        if (SameName(field.name, option) && !SameName(option, "content-length") &&
            !SameName(option, "host"))
          Drop(&field);
      }
    });
  }
}

Outcome FieldReader::Finish() {
  if (coding_seen_ && length_seen_)
    return Refused(400, "both Content-Length and Transfer-Encoding");
  if (coding_seen_ && !head_->http11) return Refused(400, "Transfer-Encoding in HTTP/1.0");
  if (coding_seen_) head_->framing = Framing::kChunked;
  head_->keep_alive = !close_ && (head_->http11 || keep_);
  if (names_others_) DropNamed();
  return kWhole;
}

}  // namespace penstock::router::http1
