#include "operator/s3/xml.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::s3 {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

void AppendUtf8(unsigned long code, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// "#10", "#xA"; false for what is no character.
bool AppendReference(std::string_view name, std::string& out) {
  for (const auto& [entity, letter] : kEntities) {
    if (name != entity) continue;
    out += letter;
    return true;
  }
  if (name.size() < 2 || name.size() > 8 || name[0] != '#') return false;
  const bool hex = name[1] == 'x';
  const std::string digits(name.substr(hex ? 2 : 1));
  const char* allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
  if (digits.empty() || digits.find_first_not_of(allowed) != digits.npos) return false;
  const unsigned long code = std::stoul(digits, nullptr, hex ? 16 : 10);
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
  AppendUtf8(code, out);
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<XmlElement> Document() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (auto passed = PassProlog(); !passed) return passed.error();
    if (!Take("<")) return Bad("an element");
    XmlElement root;
    if (auto read = Element(root, 1); !read) return read.error();
    if (auto passed = PassProlog(); !passed) return passed.error();
    if (at_ != text_.size()) return Bad("the end");
    return root;
  }

 private:
  Error Bad(const char* expected) const {
    return Invalid("the answer is no XML: byte " + std::to_string(at_) + " is not " + expected);
  }
  bool Take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void PassBlanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string::npos)
      ++at_;
  }
  // Past `end`.
  Result<void> PassTo(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    if (found == text_.npos) return Bad("closed");
    at_ = found + end.size();
    return {};
  }
  Result<void> PassProlog() {
    while (true) {
      PassBlanks();
      Result<void> passed;
      if (Take("<?"))
        passed = PassTo("?>");
      else if (Take("<!--"))
        passed = PassTo("-->");
      else
        return {};
      if (!passed) return passed;
    }
  }

  // Behind its "<".
  Result<void> Element(XmlElement& out, int depth) {
    if (depth > kMaxXmlDepth) return Bad("within 16 levels");
    const std::size_t end = text_.find_first_of(" \t\r\n/>", at_);
    if (end == text_.npos || end == at_ || text_[at_] == '!') return Bad("a name");
    const std::string_view qualified = text_.substr(at_, end - at_);
    out.name = qualified.substr(qualified.rfind(':') + 1);
    at_ = end;
    // Attributes say nothing that is asked for here; a ">" within one is quoted.
    while (at_ < text_.size() && text_[at_] != '>') {
      const char c = text_[at_++];
      if (c == '/' && Take(">")) return {};
      if (c != '"' && c != '\'') continue;
      if (auto passed = PassTo(std::string_view(&c, 1)); !passed) return passed;
    }
    if (!Take(">")) return Bad("closed");
    return Content(out, qualified, depth);
  }

  Result<void> Content(XmlElement& out, std::string_view qualified, int depth) {
    while (at_ < text_.size()) {
      if (Take("</")) {
        if (!Take(qualified)) return Bad("the end of its element");
        PassBlanks();
        return Take(">") ? Result<void>{} : Bad("closed");
      }
      Result<void> read;
      if (Take("<!--")) {
        read = PassTo("-->");
      } else if (Take("<![CDATA[")) {
        const std::size_t begin = at_;
        read = PassTo("]]>");
        if (read) out.text += text_.substr(begin, at_ - begin - 3);
      } else if (Take("<")) {
        read = Element(out.children.emplace_back(), depth + 1);
      } else {
        read = Letters(out.text);
      }
      if (!read) return read;
    }
    return Bad("the end of its element");
  }

  Result<void> Letters(std::string& out) {
    const std::size_t end = std::min(text_.find_first_of("<&", at_), text_.size());
    out += text_.substr(at_, end - at_);
    at_ = end;
    if (!Take("&")) return {};
    const std::size_t close = text_.find(';', at_);
    if (close == text_.npos || !AppendReference(text_.substr(at_, close - at_), out))
      return Bad("a known entity");
    at_ = close + 1;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child) const {
  for (const XmlElement& one : children)
    if (one.name == child) return &one;
  return nullptr;
}

std::string XmlElement::Text(std::string_view child) const {
  const XmlElement* found = Child(child);
  return found == nullptr ? "" : found->text;
}

std::vector<const XmlElement*> XmlElement::All(std::string_view child) const {
  std::vector<const XmlElement*> out;
  for (const XmlElement& one : children)
    if (one.name == child) out.push_back(&one);
  return out;
}

Result<XmlElement> ParseXml(std::string_view text) {
  if (text.size() > kMaxXmlBytes) return Invalid("the answer's XML is over 8 MiB");
  return Parser(text).Document();
}

std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    bool special = false;
    for (const auto& [entity, letter] : kEntities) {
      if (c != letter) continue;
      out.append("&").append(entity).append(";");
      special = true;
    }
    if (!special) out += c;
  }
  return out;
}

}  // namespace penstock::s3
