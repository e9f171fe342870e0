// Where our pages are: the same as SHANQIAO_BASE_URL, and listed on the platform as a business domain.
module.exports = "https://aid.example.cn";
