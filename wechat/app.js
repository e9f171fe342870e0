// The programme has one page and keeps nothing.
App({});
