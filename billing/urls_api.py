"""`/api/v1/account…`: the person with what they may use, and their invoices."""

from django.urls import path

from billing import views

app_name = "billing_api"

urlpatterns = [
    path("account", views.account, name="account"),
    path("account/entitlement", views.entitlement, name="entitlement"),
    path("account/invoices", views.invoice_list, name="invoice-list"),
]
