#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {
namespace {

struct Interpreter {
  std::string_view name;
  std::string_view flags;  // letters whose argument is program text
  bool combined = false;   // -ec is -e -c
};
constexpr std::array<Interpreter, 21> kInterpreters{
    {{"sh", "c", true},     {"bash", "c", true}, {"dash", "c", true}, {"ash", "c", true},
     {"zsh", "c", true},    {"ksh", "c", true},  {"fish", "c", true}, {"su", "c", true},
     {"python", "c", true}, {"pypy", "c", true}, {"pwsh", "c", true}, {"perl", "eE", true},
     {"ruby", "e", true},   {"node", "ep"},      {"Rscript", "e"},    {"R", "e"},
     {"lua", "e"},          {"php", "r"},        {"psql", "c"},       {"mysql", "e"},
     {"duckdb", "c"}}};

// "/usr/bin/python3.11" is python.
const Interpreter* InterpreterOf(std::string_view word) {
  word = word.substr(word.rfind('/') + 1);
  while (!word.empty() &&
         (std::isdigit(static_cast<unsigned char>(word.back())) != 0 || word.back() == '.'))
    word.remove_suffix(1);
  for (const Interpreter& i : kInterpreters)
    if (i.name == word) return &i;
  return nullptr;
}

bool AsksForText(const Interpreter& i, std::string_view word) {
  if (word == "--eval" || word == "--command" || word == "--print" || word == "-Command")
    return true;
  if (word.size() < 2 || word[0] != '-' || word[1] == '-') return false;
  const std::string_view letters = word.substr(1);
  if (!i.combined) return letters.size() == 1 && i.flags.find(letters[0]) != i.flags.npos;
  return i.flags.find(letters.back()) != i.flags.npos;
}

}  // namespace

std::vector<std::size_t> ProgramTexts(const std::vector<std::string>& words) {
  std::vector<std::size_t> out;
  const Interpreter* interpreter = nullptr;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (interpreter != nullptr && AsksForText(*interpreter, words[i]) && i + 1 < words.size()) {
      out.push_back(i + 1);
      ++i;
    } else if (const Interpreter* found = InterpreterOf(words[i])) {
      interpreter = found;  // also behind env, timeout, nice, sudo
    }
  }
  return out;
}

}  // namespace penstock::plan
