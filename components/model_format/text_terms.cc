#include "components/model_format/text_terms.h"

#include <vector>

#include "components/model_format/words.h"

namespace penstock::sdk {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// What a byte says to come behind it.
std::size_t BytesBehind(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
}

bool IsOfWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

std::string Small(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return small;
}

// Where each code point begins, and the end.
std::vector<std::size_t> Starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size();) {
    starts.push_back(i);
    std::size_t more = BytesBehind(text[i]);
    ++i;
    while (more-- > 0 && i < text.size() && IsContinuation(text[i])) ++i;
  }
  starts.push_back(text.size());
  return starts;
}

template <typename OfRun, typename Visit>
void ForEachRun(std::string_view text, OfRun of_run, Visit visit) {
  for (std::size_t i = 0; i < text.size();) {
    if (!of_run(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && of_run(text[end])) ++end;
    visit(text.substr(i, end - i));
    i = end;
  }
}

void GramsOfWord(std::string_view padded, std::int64_t shortest, std::int64_t longest,
                 const VisitTerm& visit) {
  const auto starts = Starts(padded);
  const std::size_t points = starts.size() - 1;
  for (auto n = std::size_t(shortest); n <= std::size_t(longest); ++n) {
    if (n >= points) {
      visit(padded);
      return;
    }
    for (std::size_t i = 0; i + n <= points; ++i) {
      visit(padded.substr(starts[i], starts[i + n] - starts[i]));
    }
  }
}

}  // namespace

void ForEachGram(std::string_view text, std::int64_t shortest, std::int64_t longest,
                 const VisitTerm& visit) {
  const std::string small = Small(text);
  ForEachRun(
      std::string_view(small), [](char c) { return !IsBlank(c); },
      [&](std::string_view word) {
        GramsOfWord(" " + std::string(word) + " ", shortest, longest, visit);
      });
}

void ForEachWord(std::string_view text, const VisitTerm& visit) {
  const std::string small = Small(text);
  ForEachRun(std::string_view(small), IsOfWord, visit);
}

void ForEachTerm(std::string_view text, std::int64_t shortest, std::int64_t longest,
                 const VisitTerm& visit) {
  if (longest == 0) return ForEachWord(text, visit);
  ForEachGram(text, shortest, longest, visit);
}

void ForEachToken(std::string_view text, std::int64_t shortest, std::int64_t longest,
                  const VisitTerm& visit) {
  if (longest == 0) {
    return ForEachUnicodeWord(text, [&](std::string_view word) { visit(SmallLetters(word)); });
  }
  ForEachGram(ComposeHangul(text), shortest, longest, visit);
}

void ForEachPart(std::string_view text, std::string_view separator, const VisitTerm& visit) {
  for (;;) {
    const std::size_t at = text.find(separator);
    std::string_view part = text.substr(0, at);
    while (!part.empty() && IsBlank(part.front())) part.remove_prefix(1);
    while (!part.empty() && IsBlank(part.back())) part.remove_suffix(1);
    if (!part.empty()) visit(part);
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + separator.size());
  }
}

std::int64_t CountCharacters(std::string_view text) {
  return std::int64_t(Starts(text).size()) - 1;
}

std::int64_t CountWords(std::string_view text) {
  std::int64_t words = 0;
  ForEachWord(text, [&](std::string_view) { ++words; });
  return words;
}

}  // namespace penstock::sdk
