# ruff: noqa: E501, RUF001 (sentences stay on one line; full-width punctuation is intended)
"""The texts of the demo: questions and answers, documents, passages, code."""

from __future__ import annotations

DOCUMENTS = (
    ("file-Hq3ZkV8tLm1XwRy6BsDoTe", "merchant-handbook-2026.pdf"),
    ("file-c9WnPf2SgKd7VuTz5QaJxM", "returns-policy_EU.md"),
    ("file-Lx4RbYq0HtE8kNvMo3WcZs", "framework-agreement-nordfracht.docx"),
    ("file-7uJdTm5XyGz2BpVsKe9AqR", "dpa_annex-3_subprocessors.pdf"),
    ("file-Zw1QoFc6NhRx4LiYbT8mUk", "退货政策（中文）.pdf"),
)
PASSAGES = (
    "Goods damaged in transit may be returned within sixty (60) days of delivery at the seller's expense.",
    (
        "This agreement shall renew for successive periods of twelve (12) months unless terminated in writing three "
        "(3) months before the end of a period."
    ),
    "Payouts are made every Tuesday. The first payout is made fourteen days after the first sale.",
    "§ 7 (2) The carrier may adjust its fuel surcharge monthly on the basis of the published index.",
)
CODE = (
    ("rows[:{n}]", ""),
    (
        (
            "import pandas as pd\n\ndf = pd.DataFrame(rows, columns=['key', 'value'])\n"
            "df['share'] = df['value'] / df['value'].sum()\nprint(df.head({n}))"
        ),
        "  key  value  share\n0  DE   {a}   0.52\n1  FR   {b}  0.31",
    ),
    (
        "from datetime import date, timedelta\n\nend = date(2027, 3, 31)\nprint(end - timedelta(days={n}))",
        "2027-03-0{a}\n",
    ),
    (
        "import matplotlib.pyplot as plt\n\nplt.bar(df['key'], df['value'])\nplt.title('Orders, last {n} days')\nplt.show()",
        "",
    ),
    (
        "total = sum(float(line['amount']) for line in lines)\nassert abs(total - {n}) < 0.01, total",
        "Traceback (most recent call last):\n  Cell In[4], line 2\nAssertionError: {b}",
    ),
)
# Questions and answers of each assistant. Any of them may use {order}, {sku}, {eur}, {n} and {invoice}.
TALK: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "order_concierge": (
        (
            "Where is my order {order}?",
            "hi, {order} says shipped since {n} days, still nothing here",
            "Can I still change the address of {order}? I moved last week.",
            "My sister ordered a lamp for me as a gift. When does it come?",
            "Is {sku} in stock? I'd like to add one to {order}.",
        ),
        (
            "Your order {order} left our warehouse and is on its way. The carrier expects to deliver it in {n} days.",
            "I have changed the delivery address of {order}. You will get a confirmation by e-mail shortly.",
            (
                "{order} is already packed, so the address can no longer be changed. The driver can leave it at a "
                "parcel shop near you instead: use the link in the shipping e-mail."
            ),
            "There are {n} pieces of {sku} left. I can't add to a paid order, but a second one ships today.",
        ),
    ),
    "returns_desk": (
        (
            "The mug arrived in pieces. Order {order}.",
            "I want to return {sku}, it is the wrong colour",
            "Where is my refund of {eur} EUR?? It's been {n} days",
            "The zipper of the tent broke after one weekend. {order}",
            "Can I exchange {sku} for a larger one?",
        ),
        (
            (
                "I'm sorry about that. I registered the return for {order}; the label is in your inbox, and the refund of "
                "{eur} EUR goes to your original payment once the parcel is scanned."
            ),
            "Your refund of {eur} EUR was issued today. Banks usually need two to five days to show it.",
            "This needs a colleague's approval. I have passed everything on; you will hear from us by tomorrow noon.",
        ),
    ),
    "onboarding_guide": (
        (
            "How do I add my first product?",
            "when do i get my first payout",
            "My VAT number is rejected. What now?",
            "Can two people use one merchant account?",
        ),
        (
            "Open **Catalogue > Products > Add** and choose a category first; the form depends on it. Did that work?",
            "The first payout comes 14 days after your first sale, later ones every Tuesday.",
            "Go to **Settings > Team** and press **Invite**. Owners can invite up to {n} colleagues.",
        ),
    ),
    "sql_analyst": (
        (
            "How many orders did we ship to France in the last {n} days?",
            "Average refund per return reason this quarter, please, with a chart",
            "Is the conversion on mobile down compared with last month?",
            "Which carrier is the slowest for {sku}?",
        ),
        (
            (
                "**1,{n}04 orders** went to France, cancelled and test orders left out.\n\n```sql\nselect count(*) from "
                "mart.orders where country = 'FR' limit 1;\n```"
            ),
            "The average refund is **{eur} EUR**. *damaged* is highest; *late* has {n} cases only, a small sample.",
            "| carrier | days |\n| --- | ---: |\n| dhl | 1.9 |\n| dpd | 2.4 |\n| post_nl | 2.6 |\n\nOwn fleet is left out.",
        ),
    ),
    "contract_reader": (
        (
            "By when do we have to give notice to Nordfracht?",
            "Does the DPA allow subprocessors outside the EEA?",
            "What is the liability cap in the framework agreement?",
            "Compare the fuel surcharge clauses of 2024 and 2026.",
        ),
        (
            (
                'Notice has to arrive by **2026-12-31**. The agreement "shall renew for successive periods of twelve (12) '
                'months" unless terminated three months before the end of a period.'
            ),
            "Only those listed in annex 3, and after {n} days' notice. I found no clause on transfers within a group.",
            "Liability is capped at {eur}k EUR per year, except for intent and gross negligence (section 14.2).",
        ),
    ),
    "fraud_triage": (
        (
            "Triage {order}",
            "{order} score? customer is calling",
            "Please re-check {order}, address was corrected",
        ),
        (
            "**release**: score 0.21, known device, account older than two years.",
            "**hold**: score 0.64 with a new device; two signals contradict each other. Case {n}.",
            "**reject**: score 0.91 and an earlier chargeback.",
        ),
    ),
    "help_centre": (
        (
            "Do you ship to Norway?",
            "how long is the warranty",
            "Where can I enter a voucher?",
            "Is {sku} dishwasher safe?",
        ),
        (
            'Yes, we ship to Norway within {n} days. See the article "Shipping abroad".',
            "I could not find this in our help centre. Please use the contact form.",
            'You can enter a voucher in the last step of the checkout, see "Vouchers and gift cards".',
        ),
    ),
    "invoice_reconciler": (
        (
            "Match {invoice}",
            "Why is {invoice} {eur} EUR over?",
            "Post {invoice} please",
            "Open invoices older than {n} days?",
        ),
        (
            "invoice {invoice} · state **matched** · difference 0.00 EUR · proposal: post. Nothing left to decide.",
            "invoice {invoice} · state **short** · difference {eur} EUR · {n} pieces were not received. Ask for a credit note?",
            "Posted {invoice} after approval. VAT is reverse charge.",
        ),
    ),
    "translation_checker": (
        (
            "请检查 {sku} 的中文描述。",
            "Check the Japanese text of {sku}, please.",
            "术语 “flysheet” 的译法统一吗？",
        ),
        ("通过", "严重 | {n} inches | {n} 厘米 | 英寸未换算", "一般 | flysheet | 外罩 | 外帐"),
    ),
    "review_tagger": (
        (
            "Broke after {n} days. Would not buy again.",
            "Lovely colour, a bit smaller than expected",
            "Top! 👍👍 schnell geliefert",
        ),
        (
            '{{"sentiment":"negative","topics":["durability"],"defect":true,"quote":"Broke after {n} days","language":"en"}}',
            '{{"sentiment":"mixed","topics":["colour","fit"],"defect":false,"quote":"Lovely colour","language":"en"}}',
        ),
    ),
}
OTHER_SCRIPTS = (
    ("أين طلبي LF-204981؟ لم يصل بعد.", "طلبك LF-204981 في الطريق، ومن المتوقع أن يصل خلال يومين."),
    (
        "ההזמנה LF-118204 הגיעה שבורה 😞",
        "צר לי לשמוע. רשמתי החזרה עבור LF-118204, והתווית נשלחה אליך בדוא״ל.",
    ),
    ("注文した LAMP-2045-OAK はいつ届きますか？", "ご注文の品は明日の午前中にお届けする予定です。"),
    ("我想退货，颜色不对。", "好的，已为您登记退货，退款将在收到包裹后原路退回。"),
    ("배송지를 바꿀 수 있나요?", "네, 아직 포장 전이라 변경해 드렸습니다."),
    ("👩‍👩‍👧‍👦🎁❓", "Your gift is on its way 🚚💨 and should arrive tomorrow."),
    ("Sipariş numaram neydi? İ harfiyle başlıyordu 🤔", "Sipariş numaralarımız her zaman LF- ile başlar."),
    ("فاکتور ۱۲۳۴۵ را پیدا نمی‌کنم", "لطفاً شمارهٔ سفارش را بفرستید تا بررسی کنم."),
)
