// The XML of S3's answers: elements and texts, no more. Hostile input is refused: a document type,
// a deep or a large document. Value types; pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace penstock::s3 {

inline constexpr std::size_t kMaxXmlBytes = 8UL << 20;
inline constexpr int kMaxXmlDepth = 16;

struct XmlElement {
  std::string name;  // without the prefix of a namespace
  std::string text;  // of this element alone, with its entities resolved
  std::vector<XmlElement> children;

  // The first child of that name; none: nullptr.
  [[nodiscard]] const XmlElement* Child(std::string_view child) const;
  // Its text, or "".
  [[nodiscard]] std::string Text(std::string_view child) const;
  [[nodiscard]] std::vector<const XmlElement*> All(std::string_view child) const;
};

// The document's root. Invalid for what is no such document.
[[nodiscard]] Result<XmlElement> ParseXml(std::string_view text);

// The text with &, <, >, " and ' as entities.
[[nodiscard]] std::string XmlText(std::string_view text);

}  // namespace penstock::s3
