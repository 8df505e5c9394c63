#include "operator/plan/expression/lexer.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace penstock::plan::expression {
namespace {

constexpr std::array kMarks{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/",
                            "%",  "!",  "?",  ":",  ",",  ".",  "(", ")", "[", "]", "{", "}"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool BeginsName(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }

void AppendUtf8(std::uint32_t c, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      SkipSpace();
      if (at_ == text_.size()) break;
      auto token = Next();
      if (!token) return token.error();
      tokens.push_back(std::move(*token));
    }
    tokens.push_back({Token::Kind::kEnd, at_, "the end", {}, ""});
    return tokens;
  }

 private:
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool Comes(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }

  void SkipSpace() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (Comes("//")) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  Result<Token> Next() {
    const std::size_t begin = at_;
    const char c = Peek();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number();
    if (const auto quoted = QuoteAt()) return Text(*quoted);
    if (BeginsName(c)) {
      while (BeginsName(Peek()) || IsDigit(Peek())) ++at_;
      return Token{
          Token::Kind::kName, begin, std::string(text_.substr(begin, at_ - begin)), {}, ""};
    }
    for (const char* mark : kMarks) {
      if (!Comes(mark)) continue;
      at_ += std::string_view(mark).size();
      return Token{Token::Kind::kMark, begin, mark, {}, ""};
    }
    if (Comes("$("))
      return At(begin,
                "a condition is no template: write the name without $( ), as in parameters.x");
    if (c == '&' || c == '|' || c == '=')
      return At(begin, std::string("'") + c + "' is no operator; write " + c + c);
    if (c == '`') return At(begin, "names in backquotes are not supported; write [\"name\"]");
    return At(begin, "a character that has no meaning here");
  }

  Result<Token> Number() {
    const std::size_t begin = at_;
    bool is_double = false;
    if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X') && IsHex(Peek(2))) {
      at_ += 2;
      while (IsHex(Peek())) ++at_;
    } else {
      while (IsDigit(Peek())) ++at_;
      if (Peek() == '.' && IsDigit(Peek(1))) {
        is_double = true;
        ++at_;
        while (IsDigit(Peek())) ++at_;
      }
      const std::size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 2 : 1;
      if ((Peek() == 'e' || Peek() == 'E') && IsDigit(Peek(sign))) {
        is_double = true;
        at_ += sign;
        while (IsDigit(Peek())) ++at_;
      }
    }
    Token token{
        Token::Kind::kLiteral, begin, std::string(text_.substr(begin, at_ - begin)), {}, ""};
    if (is_double) {
      const double d = std::strtod(token.text.c_str(), nullptr);
      if (std::isinf(d)) return At(begin, token.text + " is too large for a double");
      token.value = d;
      return token;
    }
    token.digits = token.text;
    if (Peek() == 'u' || Peek() == 'U') {
      ++at_;
      const bool hex = token.digits.size() > 1 && std::isalpha(token.digits[1]) != 0;
      std::uint64_t u = 0;
      const char* first = token.digits.data() + (hex ? 2 : 0);
      const char* last = token.digits.data() + token.digits.size();
      if (std::from_chars(first, last, u, hex ? 16 : 10).ec != std::errc{})
        return At(begin, token.text + "u does not fit 64 bits");
      token.digits.clear();
      token.value = u;
    }
    if (BeginsName(Peek())) return At(at_, "a name must not follow a number without a space");
    return token;
  }

  struct Quote {
    std::size_t prefix;      // r, b and the like
    std::string_view quote;  // what ends it
    bool raw;
    bool bytes;
  };
  [[nodiscard]] std::optional<Quote> QuoteAt() const {
    std::size_t prefix = 0;
    bool raw = false;
    bool bytes = false;
    while (prefix < 2) {
      const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(Peek(prefix))));
      if (c == 'r' && !raw)
        raw = true;
      else if (c == 'b' && !bytes)
        bytes = true;
      else
        break;
      ++prefix;
    }
    const std::string_view rest = text_.substr(std::min(at_ + prefix, text_.size()));
    for (const std::string_view quote : {"\"\"\"", "'''", "\"", "'"})
      if (rest.starts_with(quote)) return Quote{prefix, quote, raw, bytes};
    return std::nullopt;
  }

  Result<Token> Text(const Quote& quoted) {
    const std::size_t begin = at_;
    if (quoted.bytes) return At(begin, "bytes are not supported; write a string");
    at_ += quoted.prefix + quoted.quote.size();
    std::string out;
    while (!Comes(quoted.quote)) {
      if (at_ == text_.size() || (quoted.quote.size() == 1 && (Peek() == '\n' || Peek() == '\r')))
        return At(begin, "the string is not closed");
      if (Peek() == '\\' && !quoted.raw) {
        if (auto wrong = Escape(out)) return *wrong;
      } else {
        out += text_[at_++];
      }
    }
    at_ += quoted.quote.size();
    return Token{Token::Kind::kLiteral, begin, "a string", std::move(out), ""};
  }

  std::optional<Error> Escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\'\"`?";
    constexpr std::string_view kMeaning = "\a\b\f\n\r\t\v\\'\"`?";
    const std::size_t begin = at_++;
    const char c = Peek();
    if (const auto known = kLetters.find(c); c != '\0' && known != std::string_view::npos) {
      ++at_;
      out += kMeaning[known];
      return std::nullopt;
    }
    std::size_t digits = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    int base = 16;
    if (digits > 0) {
      ++at_;
    } else if (c >= '0' && c <= '3') {
      digits = 3;
      base = 8;
    }
    std::uint32_t code = 0;
    const std::string word(text_.substr(at_, digits));
    const auto read = std::from_chars(word.data(), word.data() + word.size(), code, base);
    const bool whole = word.size() == digits && read.ptr == word.data() + word.size();
    if (digits == 0 || read.ec != std::errc{} || !whole || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000))
      return At(begin, "no such escape in a string; a backslash itself is \\\\");
    at_ += digits;
    AppendUtf8(code, out);
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Error At(std::size_t at, const std::string& message) {
  return Invalid("character " + std::to_string(at + 1) + ": " + message);
}

Result<std::vector<Token>> Tokens(std::string_view text) { return Lexer(text).Run(); }

}  // namespace penstock::plan::expression
