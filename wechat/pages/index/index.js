// The only page: asks WeChat for a code and opens our site with it. Whatever stands in the address by which this page was
// opened is left aside, so that nobody can send a reader a code of its own. Without a code the site opens all the same:
// there the telephone signs in.
const site = require("../../address");
Page({
  data: { address: "" },
  onLoad() {
    const open = (code) => this.setData({ address: `${site}/wechat?lang=${language()}${code ? `&code=${encodeURIComponent(code)}` : ""}` });
    wx.login({ success: (answer) => open(answer.code), fail: () => open("") });
  },
});
function language() {
  const spoken = wx.getAppBaseInfo ? wx.getAppBaseInfo().language : "";
  return spoken && spoken.startsWith("en") ? "en" : "zh_Hans";
}
