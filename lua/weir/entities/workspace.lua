-- Kong's only workspace without a database. Ids and cache keys are derived from its id.
return { id = "0dc6f45b-8f8d-40d2-a504-473544ee190b", name = "default" }
