// Why a step was, or was not, taken from the cache, as `penstock explain-cache` prints it.
#include "operator/base/json.h"
#include "operator/cli/history/difference_text.h"
#include "operator/cli/history/story_text.h"
#include "operator/cli/objects/table.h"
#include "operator/plan/step/step_state.h"

namespace penstock::cli {
namespace {

std::string WordOf(const Json& told, const char* key) {
  const auto it = told.find(key);
  return it != told.end() && it->is_string() ? OneLine(it->get<std::string>()) : "";
}

// Whether it was a hit, or why not.
std::string VerdictText(const Json& told) {
  const std::string from = WordOf(told, "cachedFrom"), miss = WordOf(told, "cacheMiss");
  const std::string maker = from.empty() ? "a run that is gone" : "run " + from;
  if (told.value("cached", false) && WordOf(told, "reason") == plan::kTaken)
    return "not asked: the run does another one again (spec.rerun), and has this as " + maker +
           " made it";
  if (told.value("cached", false)) return "hit: made by " + maker;
  if (const std::string why = WordOf(told, "noKey"); !why.empty()) return "none: " + why;
  if (!miss.empty()) {
    const std::string meaning = CacheMeaning(miss);
    return "not taken: " + miss + (meaning.empty() ? "" : ", " + meaning);
  }
  if (told.value("looped", false)) return "each item has a key of its own, of this and its value";
  return "not asked: the step is " + WordOf(told, "phase");
}

std::string IngredientLines(const Json& told) {
  const Json& ingredients = told.at("ingredients");
  if (ingredients.is_null())
    return told.contains("noKey") ? "" : "Made of:  not known: the run's spec is not kept\n";
  Table table{{"", ""}, {}};
  for (const auto& [name, value] : ingredients.items()) {
    const bool digest = value.is_string() && value.get<std::string>().starts_with("sha256:");
    table.rows.push_back({"  " + name, digest ? value.get<std::string>() : ShortValue(value, 72)});
  }
  std::string text = "Made of:\n" + Format(table, 1000, false);
  if (!told.value("ingredientsMakeTheKey", true))
    text +=
        "  (these do not make the key above: another release made it, or what the Pipeline "
        "published last was left out of it)\n";
  return text;
}

std::string ComparedLines(const Json& told, const Json& other) {
  std::string text = "Since run " + WordOf(other, "run");
  if (other.value("madeIt", false)) text += ", which made it";
  text += ":\n";
  const Json& differences = other.at("differences");
  if (differences.is_null()) return text + "  what it or this run was made of is not kept\n";
  for (const Json& d : differences)
    text += "  " + Describe(Difference{d["what"], d["before"], d["after"]}) + "\n";
  if (!differences.empty()) return text;
  text += "  the same goes into it\n";
  const std::string then = WordOf(other, "cacheMiss");
  if (then.starts_with("NotReusable"))
    text += "  what it made was not kept: " + then + "\n";
  else if (WordOf(told, "cacheMiss") == "NotFound" && !WordOf(other, "cacheKey").empty())
    text += "  what it kept is not in the store any more, or was written after this was asked\n";
  return text;
}

}  // namespace

std::string CacheMeaning(const std::string& miss) {
  if (miss == "NotFound") return "nothing was kept under its key";
  if (miss == "Disabled") return "cache.enabled is false";
  if (miss == "ImageNotPinned") return "its image has no digest, and cache.trustTag is not set";
  if (miss == "SecretsWithoutSalt") return "it reads secrets or mounts, and cache.salt is not set";
  if (miss == "NoFingerprint") return "nothing identifies what its source holds";
  if (miss == "RunValue") return "it reads what no other run has, such as $(run.name)";
  if (miss == "Damaged") return "what was kept is damaged";
  if (miss == "Rerun") return "spec.rerun.from asks for it anew";
  return "";
}

std::string CacheText(const Json& told) {
  std::string text = "Step " + WordOf(told, "step") + " of run " + WordOf(told, "run");
  if (const std::string of = WordOf(told, "pipeline"); !of.empty()) text += " of Pipeline " + of;
  text += "\nCache:    " + VerdictText(told) + "\n";
  if (const std::string key = WordOf(told, "cacheKey"); !key.empty())
    text += "Key:      " + key + "\n";
  text += IngredientLines(told);
  for (const Json& other : told.at("comparedWith")) text += ComparedLines(told, other);
  if (told.at("comparedWith").empty() && !told.contains("noKey"))
    text += "No run before has made this step.\n";
  return text;
}

}  // namespace penstock::cli
