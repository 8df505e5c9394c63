// Which word may come next on a command line, by the commands and flags that the parser knows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

// What to say of the first word that stands where a command does and is none; empty where there is
// no such word.
[[nodiscard]] std::string UnknownCommand(CLI::App& program, const std::vector<std::string>& words);

// Prints what may stand in the place of the last word, a line each, then ":4" (nothing else may) or
// ":0" (a file may): what kubectl asks of kubectl_complete-penstock, and programs with cobra
// answer.
int CompleteLastWord(CLI::App& program, std::vector<std::string> words, const Session& session);

}  // namespace penstock::cli
