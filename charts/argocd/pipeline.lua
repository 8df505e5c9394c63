-- Argo CD: is a Pipeline's spec in effect? How its runs end is told, and is no part of its health.
local hs = {status = "Progressing", message = "the operator has not looked at it yet"}
local status = obj.status
if status == nil or status.conditions == nil or (status.observedGeneration or 0) < (obj.metadata.generation or 0) then
  return hs
end
local by_type = {}
for _, condition in ipairs(status.conditions) do by_type[condition.type] = condition end
local function is(name, value) return by_type[name] ~= nil and by_type[name].status == value end
local function say(name) return by_type[name].message ~= "" and by_type[name].message or by_type[name].reason end
if is("Stalled", "True") then
  return {status = "Degraded", message = say("Stalled")}
end
if obj.spec.suspend == true then
  return {status = "Suspended", message = "starts no runs"}
end
if is("Ready", "True") then
  local last = is("LastRunSucceeded", "False") and ": the last run did not succeed: " .. say("LastRunSucceeded") or ""
  return {status = "Healthy", message = "in effect" .. last}
end
if by_type["Ready"] ~= nil then hs.message = say("Ready") end
return hs
