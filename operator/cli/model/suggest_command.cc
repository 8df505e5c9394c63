#include "operator/cli/model/suggest_command.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/cli/model/registry_client.h"
#include "operator/cli/model/version_difference.h"
#include "operator/cli/objects/manifest_files.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kContext = 3;  // lines around a change, as git has them

// The lines of a text, each with its end.
std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// One line of text that others wrote. Control characters are escaped, so that it cannot begin a
// line of its own, which `git apply` might take for a diff.
std::string Escaped(const std::string& text) {
  constexpr const char* kHex = "0123456789abcdef";
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (IsControl(c)) {
      line += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xFU]};
    } else {
      line += c;
    }
  }
  return plan::Shown(line, line.size() + 3);
}

std::string Marked(char mark, const std::string& line) {
  return mark + line + (line.ends_with('\n') ? "" : "\n\\ No newline at end of file\n");
}

// The ModelDeployment of the file that is meant.
Result<api::ManifestDocument> FindDeployment(const SuggestOptions& options,
                                             const std::string& text) {
  PENSTOCK_ASSIGN(const auto documents, api::ParseManifests(text, options.file));
  std::vector<api::ManifestDocument> found;
  std::string names;
  for (const auto& document : documents) {
    if (KindOf(document.object) != "ModelDeployment") continue;
    const std::string name = NameOf(document.object);
    names += (names.empty() ? "" : ", ") + name;
    if (options.name.empty() || options.name == name) found.push_back(document);
  }
  if (found.size() == 1) return found.front();
  if (names.empty()) return NotFound(options.file + " holds no ModelDeployment");
  return NotFound(options.file + " holds the ModelDeployments " + names +
                  ": say which by --name NAME");
}

std::string WhatIsServed(const ModelVersion& version) {
  return version.spec.source.empty() ? version.spec.digest : version.spec.source;
}

// The registered version that the manifest names now, where it is one.
const ModelVersion* FindServed(const std::vector<ModelVersion>& versions,
                               const std::string& model) {
  const auto is = [&](const ModelVersion& v) { return WhatIsServed(v) == model; };
  const auto it = std::find_if(versions.begin(), versions.end(), is);
  return it == versions.end() ? nullptr : &*it;
}

std::string RequestText(const ModelVersion& next, const ModelVersion* now,
                        const std::string& deployment, const std::string& before) {
  const auto& spec = next.spec;
  const std::string number = std::to_string(spec.version);
  std::string text = "Serve version " + number + " of " + Escaped(spec.model) + " in " +
                     Escaped(deployment) + "\n\n";
  text += "The ModelDeployment " + Escaped(deployment) + " names " + Escaped(before) + " now" +
          (now == nullptr ? "" : " (" + now->meta.name + ")") + ", and then " +
          Escaped(WhatIsServed(next)) + " (" + next.meta.name + ").\n\n";
  // Behind a mark, as no line of a diff begins.
  const auto add = [&](const std::string& what, const std::string& value) {
    if (!value.empty()) text += "- " + Escaped(what) + ": " + Escaped(value) + "\n";
  };
  add("run", spec.run);
  add("verdict", spec.verdict);
  add("metrics", spec.evaluation);
  add("description", spec.description);
  if (now != nullptr) {
    text += "\nBeside " + now->meta.name + ":\n\n";
    for (const auto& row : DifferencesOf(*now, next))
      add(row.field, row.before + " -> " + row.after);
  }
  return text;
}

Result<std::string> Suggest(const SuggestOptions& options, Session& session) {
  const auto colon = options.model.find(':');
  if (colon == std::string::npos)
    return Invalid(options.model + " names no version: write NAME:ALIAS or NAME:NUMBER");
  PENSTOCK_ASSIGN(const std::string text, ReadFile(session.directory / options.file, 4 << 20));
  PENSTOCK_ASSIGN(const auto document, FindDeployment(options, text));
  const Json::json_pointer where("/spec/model");
  const Json& model = document.object.contains(where) ? document.object[where] : Json();
  if (!model.is_string()) return Invalid(options.file + ": spec.model is no text");
  const std::string before = model.get<std::string>();

  PENSTOCK_ASSIGN(const auto registry, Registry::Open(session));
  const std::string name = options.model.substr(0, colon);
  PENSTOCK_ASSIGN(const ModelVersion next, registry.Find(name, options.model.substr(colon + 1)));
  PENSTOCK_ASSIGN(const auto versions, registry.Versions(name));
  const std::string after = WhatIsServed(next);
  if (std::any_of(after.begin(), after.end(), IsControl))
    return Invalid(next.meta.name + " is no version to serve: its source holds a control " +
                   "character: " + Escaped(after));
  if (after == before)
    return Error{ErrorKind::kAlreadyExists, options.file + " names " + next.meta.name +
                                                " already: there is nothing to change"};
  PENSTOCK_ASSIGN(const std::string patch,
                  PatchOfLine(options.file, text, document.LineOf("spec.model"), before, after));
  return RequestText(next, FindServed(versions, before), NameOf(document.object), before) + "\n" +
         patch;
}

}  // namespace

Result<std::string> PatchOfLine(const std::string& file, const std::string& text, int line,
                                const std::string& before, const std::string& after) {
  const std::vector<std::string> lines = LinesOf(text);
  const auto at = static_cast<std::size_t>(line) - 1;
  const std::string old = line > 0 && at < lines.size() ? lines[at] : "";
  const auto found = old.find(before);
  if (found == std::string::npos || old.find(before, found + 1) != std::string::npos)
    return Invalid(file + " line " + std::to_string(line) + ": the text " + before +
                   " does not stand there once, on one line: change it by hand to " + after);
  std::string changed = old;
  changed.replace(found, before.size(), after);
  const std::size_t first = at < kContext ? 0 : at - kContext;
  const std::size_t last = std::min(lines.size(), at + kContext + 1);
  const std::string range = std::to_string(first + 1) + "," + std::to_string(last - first);
  std::string patch =
      "--- a/" + file + "\n+++ b/" + file + "\n@@ -" + range + " +" + range + " @@\n";
  for (std::size_t i = first; i < last; ++i) {
    if (i != at) {
      patch += Marked(' ', lines[i]);
      continue;
    }
    patch += Marked('-', old) + Marked('+', changed);
  }
  return patch;
}

int SuggestModel(const SuggestOptions& options, Session& session) {
  const auto text = Suggest(options, session);
  if (text) {
    session.out << *text;
    return kOk;
  }
  if (text.error().kind != ErrorKind::kAlreadyExists) return session.Fail(text.error());
  session.err << text.error().message << "\n";
  return kOk;
}

}  // namespace penstock::cli
