-- Asks for one job after another of those named in the file IDS, in an order of its own.
local paths = {}
for id in io.lines(os.getenv("IDS")) do
  paths[#paths + 1] = (os.getenv("BEFORE") or "/v1/jobs/") .. id
end
math.randomseed(7)
request = function()
  return wrk.format("GET", paths[math.random(#paths)])
end
