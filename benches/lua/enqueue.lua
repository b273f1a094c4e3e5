-- Puts one job after another into the queue.
wrk.method = "POST"
wrk.path = "/v1/jobs/download"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
