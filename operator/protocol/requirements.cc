#include "operator/protocol/requirements.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "operator/base/shown_text.h"

namespace penstock {
namespace {

constexpr std::size_t kShown = 60;
constexpr std::size_t kTold = 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// These say how packages of the lock are installed, not which; those of the second list with a
// value.
constexpr std::array<std::string_view, 3> kFlags = {"--pre", "--prefer-binary", "--require-hashes"};
constexpr std::array<std::string_view, 2> kWithValue = {"--only-binary", "--no-binary"};
// pip takes a file of such a name for the package.
constexpr std::array<std::string_view, 12> kArchives = {".zip", ".whl",    ".tar",    ".tar.gz",
                                                        ".tgz", ".tbz",    ".txz",    ".tar.bz2",
                                                        ".tlz", ".tar.xz", ".tar.lz", ".tar.lzma"};
constexpr std::array<std::string_view, 8> kOfTheIndex = {
    "-i", "--index-url",  "--extra-index-url", "--pypi-url",
    "-f", "--find-links", "--trusted-host",    "--no-index"};

bool IsSpace(char c) { return c == ' ' || c == '\t'; }
bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return std::string(text);
}

// Without what follows a '#' at its beginning or behind a space.
std::string WithoutComment(const std::string& line) {
  for (std::size_t i = 0; i < line.size(); ++i)
    if (line[i] == '#' && (i == 0 || IsSpace(line[i - 1]))) return line.substr(0, i);
  return line;
}

bool IsComment(const std::string& line) { return Trimmed(line).starts_with('#'); }

struct LockLine {
  int number;
  std::string text;
  bool hides = false;  // a comment takes the next line with it
};

std::string WithoutBackslashes(const std::string& line) {
  const std::size_t first = line.find_first_not_of('\\');
  return first == std::string::npos ? ""
                                    : line.substr(first, line.find_last_not_of('\\') + 1 - first);
}

// Lines as pip reads them: joined where one that is no comment ends with a backslash, without
// comments, none empty.
std::vector<LockLine> LinesOf(const std::string& text) {
  std::vector<LockLine> lines;
  std::istringstream in(text);
  std::string joined;
  bool hides = false;
  int first = 0;
  int number = 0;
  const auto end = [&] {
    if (std::string line = Trimmed(WithoutComment(joined)); !line.empty() || hides)
      lines.push_back({first, std::move(line), hides});
    joined.clear();
    hides = false;
    first = 0;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (first == 0) first = number;
    if (line.ends_with('\\') && !IsComment(line)) {
      joined += WithoutBackslashes(line);
      hides = hides || WithoutComment(joined).size() < joined.size();
      continue;
    }
    joined += (IsComment(line) ? " " : "") + line;
    end();
  }
  end();
  return lines;
}

template <std::size_t N>
bool IsOneOf(const std::array<std::string_view, N>& all, std::string_view word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

// ":all:", ":none:", names with commas between.
bool IsListOfNames(const std::string& value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return IsWordChar(c) || std::strchr("._-,:", c) != nullptr;
  });
}

// An option that says how packages are installed, as it is written here and not shorter, alone in
// its line.
bool IsHarmless(const std::vector<std::string>& words) {
  if (words.size() == 1 && IsOneOf(kFlags, words[0])) return true;
  const std::size_t equals = words[0].find('=');
  if (!IsOneOf(kWithValue, words[0].substr(0, equals))) return false;
  if (equals != std::string::npos)
    return words.size() == 1 && IsListOfNames(words[0].substr(equals + 1));
  return words.size() == 2 && !words[1].starts_with('-') && IsListOfNames(words[1]);
}

std::string CheckOption(const std::string& line) {
  if (IsHarmless(WordsOf(line))) return "";
  const std::string word = line.substr(0, line.find_first_of(" \t="));
  if (IsOneOf(kFlags, word) || IsOneOf(kWithValue, word))
    return word + ": stands alone in its line" +
           (IsOneOf(kFlags, word) ? "" : ", with names of packages, :all: or :none:");
  const bool short_index = line.starts_with("-i") || line.starts_with("-f");
  if (IsOneOf(kOfTheIndex, word) || (short_index && !line.starts_with("--")))
    return word.substr(0, word.starts_with("--") ? std::string::npos : 2) +
           ": which index is asked stands in the container's env: PIP_INDEX_URL, "
           "PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS or PIP_TRUSTED_HOST, from a Secret where it holds "
           "a password";
  if (word == "-r" || word == "--requirement" || word == "-c" || word == "--constraint")
    return word + ": a lock is one file; put the lines of the other one here";
  if (word == "-e" || word == "--editable")
    return word + ": only packages of an index are installed; write name==version";
  return word.substr(0, kShown) + ": is no option that a lock may have; remove it";
}

// "name[extras]" at the beginning of the text; empty where it begins with no name.
std::string NameAt(const std::string& text) {
  std::size_t end = 0;
  while (end < text.size() && (IsWordChar(text[end]) || std::strchr("._-", text[end]) != nullptr))
    ++end;
  if (end == 0 || !IsWordChar(text[0])) return "";
  const std::size_t bracket = text.find_first_not_of(" \t", end);
  if (bracket == std::string::npos || text[bracket] != '[') return text.substr(0, end);
  const std::size_t close = text.find(']', bracket);
  return close == std::string::npos ? "" : text.substr(0, close + 1);
}

bool IsVersion(const std::string& text) {
  if (std::any_of(kArchives.begin(), kArchives.end(),
                  [&](std::string_view end) { return text.ends_with(end); }))
    return false;
  return !text.empty() && IsWordChar(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return IsWordChar(c) || std::strchr(".+!_-", c) != nullptr;
  });
}

// ALGORITHM:HEX.
bool IsHash(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return false;
  return std::all_of(text.begin(), text.end(), [&](const char& c) {
    return IsWordChar(c) || static_cast<std::size_t>(&c - text.data()) == colon;
  });
}

// Where pip's options begin, behind a requirement: at the first word with a dash.
std::size_t OptionsOf(const std::string& line) {
  for (std::size_t i = 1; i < line.size(); ++i)
    if (line[i] == '-' && IsSpace(line[i - 1])) return i;
  return std::string::npos;
}

// The part behind the requirement: --hash=ALGORITHM:HEX and nothing else.
std::string CheckHashes(const std::string& options, bool& hashed) {
  std::istringstream words(options);
  for (std::string word; words >> word;) {
    if (word == "--hash" && words >> word) word = "--hash=" + word;
    if (!word.starts_with("--hash=") || !IsHash(word.substr(7)))
      return (word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2))
                 .substr(0, kShown) +
             ": behind a requirement stands --hash=sha256:DIGEST only; remove it";
    hashed = true;
  }
  return "";
}

std::string CheckRequirement(const std::string& line, bool& hashed) {
  const std::size_t options = OptionsOf(line);
  const std::string requirement = Trimmed(std::string_view(line).substr(0, options));
  const std::string what = Trimmed(requirement.substr(0, requirement.find(';')));
  const std::string name = NameAt(what);
  const std::string rest = Trimmed(what.substr(name.size()));
  if (name.empty() || what.find("://") != std::string::npos || rest.starts_with('@') ||
      rest.starts_with('/') || what.starts_with('.'))
    return (name.empty() ? "" : "'" + name.substr(0, kShown) + "' ") +
           std::string(name.empty() ? "is" : "comes from a URL or a path, which is") +
           " no package of an index; write name==version";
  const std::size_t equals = rest.starts_with("===") ? 3 : rest.starts_with("==") ? 2 : 0;
  if (equals == 0 || !IsVersion(Trimmed(std::string_view(rest).substr(equals))))
    return "'" + what.substr(0, kShown) + "' is not pinned; write " + name.substr(0, kShown) +
           "==VERSION (pip-compile, uv pip compile and pip freeze write such lines)";
  return options == std::string::npos ? "" : CheckHashes(line.substr(options), hashed);
}

std::string CheckLine(const LockLine& line, bool& has_hash) {
  if (line.hides)
    return "its comment ends with a backslash, which takes the next line into it; remove the "
           "backslash";
  if (line.text.find("${") != std::string::npos)
    return "${: a lock takes nothing of the environment; write it out";
  return line.text.starts_with('-') ? CheckOption(line.text)
                                    : CheckRequirement(line.text, has_hash);
}

// What ends a line for Python and not for others, or shows as nothing.
bool IsUnseen(std::string_view text, std::size_t i) {
  const auto c = static_cast<unsigned char>(text[i]);
  if (c == '\r') return i + 1 < text.size() && text[i + 1] != '\n';
  if (c < 0x20 || c == 0x7F) return c != '\t' && c != '\n';
  const std::string_view next = text.substr(i);
  return (c == 0xC2 && next.size() > 1 && static_cast<unsigned char>(next[1]) < 0xA0) ||
         next.starts_with("\xE2\x80\xA8") || next.starts_with("\xE2\x80\xA9");
}

// pip reads a file in the encoding that a comment of its first two lines names.
bool NamesAnEncoding(const std::string& text) {
  std::istringstream in(text);
  std::string line;
  for (int i = 0; i < 2 && std::getline(in, line); ++i)
    if (line.starts_with('#') &&
        (line.find("coding:") != std::string::npos || line.find("coding=") != std::string::npos))
      return true;
  return false;
}

std::vector<RequirementComplaint> CheckText(const std::string& text) {
  if (text.find('\0') != std::string::npos) return {{1, "is no text: it holds a NUL byte"}};
  if (!IsUtf8(text)) return {{1, "is no UTF-8"}};
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsUnseen(text, i))
      return {{line,
               "holds a control character or a line separator that is no end of line; "
               "remove it"}};
    line += text[i] == '\n' ? 1 : 0;
  }
  if (NamesAnEncoding(text))
    return {{1, "a comment names an encoding (coding:), and a lock is UTF-8; remove it"}};
  return {};
}

}  // namespace

std::vector<RequirementComplaint> CheckRequirements(const std::string& given) {
  if (given.size() > kMaxRequirementsBytes)
    return {{1, "has over " + std::to_string(kMaxRequirementsBytes / 1024) + " KiB"}};
  const std::string text = given.starts_with(kByteOrderMark) ? given.substr(3) : given;
  if (auto wrong = CheckText(text); !wrong.empty()) return wrong;
  std::vector<RequirementComplaint> complaints;
  int packages = 0;
  int hashed = 0;
  int without = 0;  // the first line that has no hash
  for (const LockLine& line : LinesOf(text)) {
    const bool option = line.text.starts_with('-');
    bool has_hash = false;
    std::string wrong = CheckLine(line, has_hash);
    if (!option && !line.text.empty()) {
      ++packages;
      hashed += has_hash ? 1 : 0;
      if (!has_hash && without == 0) without = line.number;
    }
    if (!wrong.empty()) complaints.push_back({line.number, std::move(wrong)});
  }
  if (complaints.empty() && packages == 0) return {{1, "names no package; write name==version"}};
  if (complaints.empty() && hashed > 0 && hashed < packages)
    return {{without, "has no --hash, but others have; pip asks for all of them or none"}};
  return complaints;
}

std::string Describe(const std::vector<RequirementComplaint>& complaints) {
  std::string text;
  for (std::size_t i = 0; i < std::min(complaints.size(), kTold); ++i)
    text += (i > 0 ? "; " : "") + ("line " + std::to_string(complaints[i].line)) + ": " +
            complaints[i].what;
  if (complaints.size() > kTold)
    text += "; and " + std::to_string(complaints.size() - kTold) + " more";
  return text;
}

std::optional<std::string> CheckRequirementsPath(const std::string& path) {
  const std::filesystem::path parts(path);
  const bool leaves =
      parts.is_absolute() ||
      std::any_of(path.begin(), path.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }) ||
      std::any_of(parts.begin(), parts.end(),
                  [](const auto& p) { return p == ".." || p == ".git"; });
  if (leaves || path.empty() || path.ends_with('/') || parts.lexically_normal() == ".")
    return "'" + path + "' is no file of the code's folder";
  return std::nullopt;
}

}  // namespace penstock
