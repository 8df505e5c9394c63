#include "operator/cli/completion.h"

#include <ostream>
#include <sstream>

#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/cli/commands.h"

namespace penstock::cli {
namespace {

// Without a word where they cannot be had: a shell waits.
std::vector<std::string> NamesOf(const char* kind, const Session& session) {
  std::ostringstream names, ignored;
  Session quiet{names,       ignored,           session.in,     session.clock,
                session.env, session.directory, session.program};
  quiet.connect = session.connect;
  GetOptions all;
  all.kind = kind;
  all.output = "name";
  if (Get(all, quiet) != kOk) return {};
  std::vector<std::string> words;
  std::istringstream lines(names.str());
  for (std::string line; std::getline(lines, line);) {
    words.push_back(line.substr(line.find('/') + 1));
  }
  return words;
}

CLI::App* CommandOf(CLI::App& app, const std::string& name) {
  const auto found =
      app.get_subcommands([&](CLI::App* command) { return command->get_name() == name; });
  return found.empty() ? nullptr : found[0];
}

std::vector<std::string> Candidates(const CLI::App& app, const std::string& begun,
                                    std::size_t given, const Session& session) {
  std::vector<std::string> words;
  if (begun.starts_with('-')) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
    return words;
  }
  for (const CLI::App* command : app.get_subcommands({})) words.push_back(command->get_name());
  const std::string& name = app.get_name();
  if (name == "get" && given == 0) return {"pipelines", "runs", "components", "models", "all"};
  if (name == "completion") return {"bash", "zsh", "fish"};
  if (app.get_parent() != nullptr && app.get_parent()->get_name() == "rollout" && given == 0)
    return NamesOf("models", session);
  const bool of_run =
      name == "logs" || name == "describe" || name == "cancel" || name == "debug" || name == "diff";
  return of_run && given < (name == "diff" ? 2U : 1U) ? NamesOf("runs", session) : words;
}

}  // namespace

std::string UnknownCommand(CLI::App& program, const std::vector<std::string>& words) {
  CLI::App* app = &program;
  std::string path = "penstock";
  for (std::size_t i = 0; i < words.size() && app->get_require_subcommand_min() > 0; ++i) {
    if (words[i].starts_with('-')) {
      const CLI::Option* option = app->get_option_no_throw(words[i]);
      if (option == nullptr) option = program.get_option_no_throw(words[i]);
      if (option != nullptr && option->get_expected_min() > 0) ++i;  // its value
      continue;
    }
    CLI::App* command = CommandOf(*app, words[i]);
    if (command == nullptr) {
      std::vector<std::string> known;
      for (const CLI::App* one : app->get_subcommands({})) known.push_back(one->get_name());
      return "\"" + plan::Shown(words[i], 100) + "\" is no command of " + path +
             DidYouMean(words[i], known) + " (" + path + " --help lists them)";
    }
    app = command;
    path += " " + words[i];
  }
  return "";
}

int CompleteLastWord(CLI::App& program, std::vector<std::string> words, const Session& session) {
  const std::string begun = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  CLI::App* app = &program;
  std::vector<std::string> given;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with('-')) {
      const CLI::Option* option = app->get_option_no_throw(words[i]);
      if (option != nullptr && option->get_expected_min() > 0) ++i;  // its value
    } else if (CLI::App* command = given.empty() ? CommandOf(*app, words[i]) : nullptr;
               command != nullptr) {
      app = command;
    } else {
      given.push_back(words[i]);
    }
  }
  const std::vector<std::string> candidates = Candidates(*app, begun, given.size(), session);
  for (const std::string& word : candidates) {
    if (word.starts_with(begun)) session.out << word << "\n";
  }
  session.out << (candidates.empty() ? ":0\n" : ":4\n");
  return kOk;
}

}  // namespace penstock::cli
