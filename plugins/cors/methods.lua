-- The methods that are allowed unless a configuration says otherwise, and all that it can name.
return { "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT" }
