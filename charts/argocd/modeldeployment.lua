-- Argo CD: does the model that the spec asks for serve?
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
if is("Ready", "True") then
  return {status = "Healthy", message = say("Ready")}
end
local candidate = status.candidate
if candidate ~= nil and (candidate.phase == "Paused" or candidate.phase == "Preview") then
  return {status = "Suspended", message = "version " .. candidate.version .. " waits to be promoted"}
end
if by_type["Ready"] ~= nil then hs.message = say("Ready") end
return hs
