// Base64 with the standard alphabet (RFC 4648, section 4), unless it says otherwise. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// Nothing when the text is no base64; white space is none. Padding may be left out, as some clients
// do.
[[nodiscard]] std::optional<std::string> DecodeBase64(std::string_view text);
// Takes the web-safe alphabet ("-_" for "+/", RFC 4648, section 5) too, as clients of models send.
[[nodiscard]] std::optional<std::string> DecodeAnyBase64(std::string_view text);
[[nodiscard]] std::string EncodeBase64(std::string_view bytes);
void AppendBase64(std::string_view bytes, std::string* out);

}  // namespace penstock
