#include "components/validate/personal/detect.h"

#include <algorithm>
#include <string>
#include <vector>

#include "components/validate/personal/check_digits.h"

namespace penstock::validate::personal {
namespace {

constexpr std::array<const char*, kKinds> kNames = {"mail",           "phone", "card",
                                                    "residentNumber", "iban",  "ipv4"};
constexpr std::size_t kMostBytes = 4096;  // of a value; what is beyond is not looked at

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWord(char c) {
  return IsDigit(c) || IsLetter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// An @ with a local part before it and a host of at least two labels behind it.
bool HasMail(std::string_view text) {
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    std::size_t begin = at;
    const auto local = [](char c) {
      return IsDigit(c) || IsLetter(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
    };
    while (begin > 0 && local(text[begin - 1])) --begin;
    if (begin == at || text[at - 1] == '.' || at - begin > 64) continue;
    std::size_t end = at + 1;
    std::size_t label = 0;  // bytes of the last one
    std::size_t points = 0;
    bool letters = true;  // of the last label
    for (; end < text.size(); ++end) {
      const char c = text[end];
      if (c == '.') {
        const bool more =
            end + 1 < text.size() && (IsLetter(text[end + 1]) || IsDigit(text[end + 1]));
        if (label == 0 || !more) break;
        ++points;
        label = 0;
        letters = true;
      } else if (IsDigit(c) || IsLetter(c) || c == '-') {
        letters = letters && IsLetter(c);
        ++label;
      } else {
        break;
      }
    }
    if (points > 0 && label >= 2 && label <= 24 && letters) return true;
  }
  return false;
}

// A piece of digits and single separators, with the places where the groups end.
struct Digits {
  std::string text;                 // digits only
  std::vector<std::size_t> groups;  // their sizes
  bool plus = false;
  bool pointed = false;  // all separators are points
};

// Reads the piece that begins at `at`; gives its end. Groups are parted by up to two separators,
// such as ") ".
std::size_t ReadPiece(std::string_view text, std::size_t at, Digits& piece) {
  const auto separates = [](char c) { return c == '-' || c == ' ' || c == '.' || c == ')'; };
  std::size_t group = 0;
  std::size_t points = 0;
  while (at < text.size()) {
    if (IsDigit(text[at])) {
      piece.text += text[at++];
      ++group;
      continue;
    }
    std::size_t next = at;
    while (next < text.size() && next < at + 2 && separates(text[next])) ++next;
    if (next == at || next == text.size() || !IsDigit(text[next])) break;
    points += text[at] == '.' && next == at + 1;
    piece.groups.push_back(group);
    group = 0;
    at = next;
  }
  piece.pointed = !piece.groups.empty() && points == piece.groups.size();
  piece.groups.push_back(group);
  return at;
}

// Pieces that stand alone: neither a letter nor a digit is next to them.
std::vector<Digits> PiecesOf(std::string_view text) {
  std::vector<Digits> pieces;
  for (std::size_t at = 0; at < text.size();) {
    if (!IsDigit(text[at])) {
      ++at;
      continue;
    }
    Digits piece;
    std::size_t begin = at;
    if (begin > 0 && text[begin - 1] == '(') --begin;
    if (begin > 0 && text[begin - 1] == '+') {
      piece.plus = true;
      --begin;
    }
    const std::size_t end = ReadPiece(text, at, piece);
    const bool alone =
        (begin == 0 || !IsWord(text[begin - 1])) && (end == text.size() || !IsWord(text[end]));
    if (alone) pieces.push_back(std::move(piece));
    at = end;
  }
  return pieces;
}

bool IsKoreanMobile(const Digits& p) {
  const auto& t = p.text;
  if (t[0] != '0' || t[1] != '1' || t[2] == '2' || t[2] == '3' || t[2] == '4' || t[2] == '5') {
    return false;
  }
  if (p.groups.size() == 1) return t.size() == 11 && t[2] == '0';
  return p.groups.size() == 3 && p.groups[0] == 3 && (p.groups[1] == 3 || p.groups[1] == 4) &&
         p.groups[2] == 4;
}

// 02, 031 to 033, 041 to 044, 051 to 055, 061 to 064, 070.
bool IsKoreanLandline(const Digits& p) {
  if (p.groups.size() != 3 || p.groups[2] != 4 || p.groups[1] < 3 || p.groups[1] > 4) return false;
  if (p.groups[0] == 2) return p.text[0] == '0' && p.text[1] == '2';
  if (p.groups[0] != 3 || p.text[0] != '0') return false;
  const char most[] = {0, 0, 0, '3', '4', '5', '4', '0'};
  const int area = p.text[1] - '0';
  const char least = area == 7 ? '0' : '1';
  return area >= 3 && area <= 7 && p.text[2] >= least && p.text[2] <= most[area];
}

// (NXX) NXX-XXXX with N from 2 on, neither area nor exchange ending in 11.
bool IsAmerican(const Digits& p) {
  if (p.groups != std::vector<std::size_t>{3, 3, 4}) return false;
  const auto& t = p.text;
  return t[0] >= '2' && t[3] >= '2' && t.substr(1, 2) != "11" && t.substr(4, 2) != "11";
}

bool IsPhone(const Digits& p) {
  if (p.text.size() < 8) return false;
  if (p.plus) return p.text[0] != '0' && p.text.size() >= 9 && p.text.size() <= 15;
  if (p.pointed && p.groups.size() != 3) return false;
  return IsKoreanMobile(p) || IsKoreanLandline(p) || IsAmerican(p);
}

bool AreGroups(const Digits& p, std::size_t least, std::size_t most) {
  return std::all_of(p.groups.begin(), p.groups.end(),
                     [&](std::size_t g) { return g >= least && g <= most; });
}

void DetectNumbers(const Digits& p, Found& found) {
  const auto mark = [&found](Kind kind, bool proved) {
    found.form[std::size_t(kind)] = true;
    if (proved) found.proved[std::size_t(kind)] = true;
  };
  if (IsPhone(p)) mark(Kind::kPhone, true);
  if (!p.plus && !p.pointed && HasCardForm(p.text) &&
      (p.groups.size() == 1 || AreGroups(p, 3, 6))) {
    mark(Kind::kCard, LuhnHolds(p.text));
  }
  const bool resident = p.groups.size() == 1 || p.groups == std::vector<std::size_t>{6, 7};
  if (!p.plus && !p.pointed && resident && HasResidentForm(p.text)) {
    mark(Kind::kResidentNumber, ResidentCheckHolds(p.text));
  }
  if (p.pointed && p.groups.size() == 4 && AreGroups(p, 1, 3)) {
    bool large = false;
    std::size_t at = 0;
    for (const std::size_t size : p.groups) {
      const int value = std::stoi(p.text.substr(at, size));
      if (value > 255 || (size > 1 && p.text[at] == '0')) return;
      large |= value > 99;
      at += size;
    }
    mark(Kind::kIpv4, large);
  }
}

// IBANs as they are printed: groups of four, or in one piece.
void DetectIban(std::string_view text, Found& found) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (std::size_t at = 0; at + 15 <= text.size(); ++at) {
    if (!capital(text[at]) || !capital(text[at + 1]) || !IsDigit(text[at + 2]) ||
        !IsDigit(text[at + 3]) || (at > 0 && IsWord(text[at - 1]))) {
      continue;
    }
    std::string packed;
    for (std::size_t end = at; end <= text.size() && packed.size() <= 34; ++end) {
      const bool inside = end < text.size() && (capital(text[end]) || IsDigit(text[end]));
      const bool ends = end == text.size() || !IsWord(text[end]);
      if (ends && HasIbanForm(packed)) {
        found.form[std::size_t(Kind::kIban)] = true;
        if (IbanCheckHolds(packed)) found.proved[std::size_t(Kind::kIban)] = true;
      }
      if (inside) {
        packed += text[end];
      } else if (end == text.size() || text[end] != ' ' || (end - at) % 5 != 4) {
        break;
      }
    }
  }
}

}  // namespace

const char* Name(Kind kind) { return kNames[std::size_t(kind)]; }

std::optional<Kind> ParseKind(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return Kind(i);
  }
  return std::nullopt;
}

bool Found::Any() const {
  return std::any_of(proved.begin(), proved.end(), [](bool is) { return is; });
}

Found Detect(std::string_view value) {
  Found found;
  value = value.substr(0, kMostBytes);
  if (HasMail(value)) {
    found.form[std::size_t(Kind::kMail)] = found.proved[std::size_t(Kind::kMail)] = true;
  }
  for (const auto& piece : PiecesOf(value)) DetectNumbers(piece, found);
  DetectIban(value, found);
  return found;
}

}  // namespace penstock::validate::personal
